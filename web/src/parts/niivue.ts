/** NiiVue as this page uses it: one volume, rendered in 3D, silent. A file of its own, so that it is fetched late. */

import { Niivue, SLICE_TYPE } from "@niivue/niivue";

export async function attach(canvas: HTMLCanvasElement): Promise<Niivue> {
  const viewer = new Niivue({
    backColor: [0, 0, 0, 1],
    isColorbar: false,
    isOrientCube: false,
    isOrientationTextVisible: false,
    show3Dcrosshair: false,
    dragAndDropEnabled: false,
    loadingText: "",
    logLevel: "silent",
    sliceType: SLICE_TYPE.RENDER,
  });
  await viewer.attachToCanvas(canvas, false);
  viewer.setSliceType(SLICE_TYPE.RENDER);
  viewer.setRenderAzimuthElevation(140, 18);
  return viewer;
}
