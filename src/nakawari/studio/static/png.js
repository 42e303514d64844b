// A worker that makes PNGs: on the page a browser does that when it has nothing else to do, which may be much later.

self.addEventListener("message", async ({ data: { id, picture } }) => {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d").drawImage(picture, 0, 0);
  self.postMessage({ id, blob: await canvas.convertToBlob({ type: "image/png" }) });
});
