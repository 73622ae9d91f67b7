/**
 * The scan in 3D, by NiiVue, with the same boxes and arrows drawn over it.
 *
 * NiiVue comes when it is first needed: the planes work without it, and without WebGL. It shows a copy of at most
 * 128 voxels a side, which is plenty to turn, in a world whose mm are the scan's own, so that its own matrix carries
 * boxes and arrows onto the picture.
 */

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Niivue } from "@niivue/niivue";
import { layOut, type Placed, type Wanted } from "../geometry/labels.ts";
import { project, type Matrix } from "../geometry/project.ts";
import { along, on } from "../geometry/vector.ts";
import { file, thumbnail, type Volume } from "../scan/nifti.ts";
import { redraws } from "../share/snapshot.ts";
import type { Mm } from "../geometry/vector.ts";
import { Label } from "./mark.tsx";

const MOST_VOXELS = 128;
const TURN: Record<string, [number, number]> = {
  ArrowLeft: [-10, 0],
  ArrowRight: [10, 0],
  ArrowUp: [0, 10],
  ArrowDown: [0, -10],
};

/** Puts a place in mm on the picture, in pixels of the page. */
export type Project = (place: Mm) => { x: number; y: number };

interface SceneProps {
  volume: Volume;
  label: string;
  /** Drawn over the picture; letters go around those it is told of. */
  over: (project: Project, sight: Sight, taken: readonly Placed[]) => ComponentChildren;
}

export interface Sight {
  matrix: Matrix;
  width: number;
  height: number;
}

/** Looked along an axis, its two letters would stand on each other and tell nothing. */
const TOO_CLOSE = 30;

/** Letters at the sides of the scan, so that nobody takes front for back. */
function compass(volume: Volume, put: Project, sight: Sight): Placed[] {
  const middle = volume.shape.map((n, axis) => ((n - 1) / 2) * on(volume.spacing, axis)) as unknown as Mm;
  const ends = [
    ["L", "R"],
    ["P", "A"],
    ["I", "S"],
  ] as const;
  const wanted = ends.flatMap((pair, axis): Wanted[] => {
    const reach = 0.58 * on(volume.shape, axis) * on(volume.spacing, axis);
    const [low, high] = [-reach, reach].map((far) => put(along(middle, axis, on(middle, axis) + far)));
    if (!low || !high || Math.hypot(low.x - high.x, low.y - high.y) < TOO_CLOSE) return [];
    return [low, high].map(({ x, y }, way) => ({ text: pair[way] ?? "", size: 11, at: [{ x: x - 4, y: y + 4 }] }));
  });
  return layOut(wanted, [], sight);
}

export function Scene({ volume, label, over }: SceneProps): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const viewer = useRef<Niivue | null>(null);
  const [sight, setSight] = useState<Sight | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);

  useEffect(() => {
    let gone = false;
    const look = (): void => {
      const [nv, element] = [viewer.current, canvas.current];
      if (!nv || !element || nv.volumes.length === 0 || gone) return;
      const [matrix] = nv.calculateMvpMatrix(null, [0, 0, 0, 0], nv.scene.renderAzimuth, nv.scene.renderElevation);
      if (matrix) setSight({ matrix: Array.from(matrix), width: element.clientWidth, height: element.clientHeight });
    };
    const start = async (): Promise<void> => {
      const element = canvas.current;
      if (!element) return;
      if (!viewer.current) {
        const made = await (await import("./niivue.ts")).attach(element);
        if (gone) return;
        element.removeAttribute("tabindex"); // the picture around it takes the keys
        viewer.current = made;
      }
      const nv = viewer.current;
      nv.onAzimuthElevationChange = look;
      nv.onZoom3DChange = look;
      const small = thumbnail(volume, MOST_VOXELS);
      while (nv.volumes[0]) nv.removeVolume(nv.volumes[0]);
      await nv.loadFromArrayBuffer(file(small.grey, small.shape, small.spacing), "scan.nii");
      if (!gone) look();
    };
    start().catch((problem: unknown) => {
      if (!gone) setTrouble(problem instanceof Error ? problem.message : String(problem));
    });
    const watcher = new ResizeObserver(look);
    if (canvas.current) watcher.observe(canvas.current);
    return () => {
      gone = true;
      watcher.disconnect();
    };
  }, [volume]);
  useEffect(() => {
    const redraw = (): void => {
      viewer.current?.drawScene(); // its pixels are gone once they are on the screen
    };
    redraws.add(redraw);
    return () => {
      redraws.delete(redraw);
      viewer.current?.cleanup();
      // A browser gives a page few of these; leaving this picture often must not use them up.
      viewer.current?.gl.getExtension("WEBGL_lose_context")?.loseContext();
    };
  }, []);

  const turn = (event: KeyboardEvent): void => {
    const by = TURN[event.key];
    const nv = viewer.current;
    if (!by || !nv) return;
    event.preventDefault();
    event.stopPropagation();
    nv.setRenderAzimuthElevation(nv.scene.renderAzimuth + by[0], nv.scene.renderElevation + by[1]);
  };
  const put: Project = (place) => project(sight?.matrix ?? [], place, sight?.width ?? 0, sight?.height ?? 0);
  const sides = sight ? compass(volume, put, sight) : [];
  return (
    <div class="film scene" data-plane="3d" data-drawn={sight ? "yes" : "no"}>
      <div class="stage">
        <div class="picture" tabindex={0} role="application" aria-label={label} onKeyDown={turn}>
          <canvas ref={canvas} aria-hidden="true" />
          {sight ? (
            <svg viewBox={`0 0 ${sight.width} ${sight.height}`} aria-hidden="true">
              <g opacity="0.85">
                {sides.map((letter) => (
                  <Label key={letter.text} at={letter} px={1} colour="#ffe9a8" />
                ))}
              </g>
              {over(put, sight, sides)}
            </svg>
          ) : null}
          {trouble ? <p class="trouble">No 3D picture here: {trouble} The planes show everything.</p> : null}
        </div>
      </div>
      <p class="slices">
        <span>3D</span> <span class="quiet">drag to turn</span>
      </p>
    </div>
  );
}
