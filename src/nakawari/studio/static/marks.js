// Marks on the canvas: places, and lines along which something was said.

const ratio = () => window.devicePixelRatio || 1;

// one: {at: [x, y], line: [[x, y], …] or none, colour, text, open: its other half is awaited}; where: a place → on the canvas
export function mark(context, { at, line, colour, text, open }, where) {
  if (line) trail(context, line.map(where), colour);
  const place = where(at);
  context.lineWidth = 2 * ratio();
  context.strokeStyle = "#fff";
  context.fillStyle = colour;
  context.beginPath();
  context.arc(...place, 8 * ratio(), 0, 7);
  if (!open) context.fill();
  else context.strokeStyle = colour;
  context.stroke();
  if (!text) return;
  context.fillStyle = "#fff";
  context.font = `600 ${10 * ratio()}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, place[0], place[1] + ratio() / 2);
}

export function trail(context, places, colour) {
  context.lineCap = context.lineJoin = "round";
  for (const [wide, paint] of [[6, "#fff"], [3, colour]]) {
    context.lineWidth = wide * ratio();
    context.strokeStyle = paint;
    context.beginPath();
    context.moveTo(...places[0]);
    for (const place of places.slice(1)) context.lineTo(...place);
    context.stroke();
  }
}
