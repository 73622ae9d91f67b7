/** One plane of a scan: the slice as pixels, drawings over it in mm, and the ways to scroll and to point. */

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { edgeLetters } from "../geometry/labels.ts";
import { frameOf, toPlace, type Frame, type Plane } from "../geometry/planes.ts";
import { on } from "../geometry/vector.ts";
import { number } from "../format.ts";
import type { Volume } from "../scan/nifti.ts";
import { grey, type Pixels } from "../scan/slice.ts";
import { radiological } from "../settings.ts";
import type { Mm } from "../geometry/vector.ts";
import { Label } from "./mark.tsx";

export interface FilmProps {
  plane: Plane;
  volume: Volume;
  at: Mm;
  /** What the plane shows, for those who cannot see it. */
  label: string;
  /** Drawn over the slice; `px` is the size of a screen pixel in mm. */
  over?: (frame: Frame, px: number) => ComponentChildren;
  /** A press on the picture; what it returns follows the pointer until it is let go. */
  onPress?: (place: Mm, px: number) => ((place: Mm, done: boolean) => void) | null;
  onScroll?: (slices: number) => void;
  onKey?: (event: KeyboardEvent, frame: Frame) => void;
}

function paint(canvas: HTMLCanvasElement | null, pixels: Pixels | null): void {
  if (!canvas || !pixels) return;
  if (canvas.width !== pixels.width) canvas.width = pixels.width;
  if (canvas.height !== pixels.height) canvas.height = pixels.height;
  canvas.getContext("2d")?.putImageData(new ImageData(pixels.rgba, pixels.width, pixels.height), 0, 0);
}

export function Film({ plane, volume, at, label, over, onPress, onScroll, onKey }: FilmProps): JSX.Element {
  const frame = useMemo(() => frameOf(plane, volume, radiological.value), [plane, volume, radiological.value]);
  const most = Math.max(...volume.shape.map((n, axis) => n * on(volume.spacing, axis)));
  const base = useRef<HTMLCanvasElement>(null);
  const svg = useRef<SVGSVGElement>(null);
  const [px, setPx] = useState(1);
  const follow = useRef<((place: Mm, done: boolean) => void) | null>(null);
  const depth = on(at, plane.through);

  useLayoutEffect(() => paint(base.current, grey(volume, frame, at)), [volume, frame, depth]);
  useEffect(() => {
    const drawing = svg.current;
    if (!drawing) return undefined;
    const watcher = new ResizeObserver(() => setPx(frame.width / Math.max(1, drawing.clientWidth)));
    watcher.observe(drawing);
    return () => watcher.disconnect();
  }, [frame]);
  useEffect(() => {
    const drawing = svg.current;
    if (!drawing || !onScroll) return undefined;
    const wheel = (event: WheelEvent): void => {
      event.preventDefault(); // the page would scroll away under the pointer
      onScroll(event.deltaY < 0 ? 1 : -1);
    };
    drawing.addEventListener("wheel", wheel, { passive: false });
    return () => drawing.removeEventListener("wheel", wheel);
  }, [onScroll]);

  const placeOf = (event: PointerEvent): Mm => {
    const box = svg.current?.getBoundingClientRect() ?? new DOMRect(0, 0, 1, 1);
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return toPlace(frame, x * frame.width, y * frame.height, at);
  };
  const press = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    follow.current = onPress?.(placeOf(event), px) ?? null;
    if (follow.current) svg.current?.setPointerCapture(event.pointerId);
  };

  return (
    <div class="film" data-plane={plane.name}>
      <div class="stage">
        <div
          class="picture"
          style={{ width: `${(100 * frame.width) / most}%`, height: `${(100 * frame.height) / most}%` }}
        >
          <canvas ref={base} aria-hidden="true" />
          <svg
            ref={svg}
            viewBox={`0 0 ${frame.width} ${frame.height}`}
            tabindex={0}
            role="application"
            aria-label={label}
            onPointerDown={press}
            onPointerMove={(event) => follow.current?.(placeOf(event), false)}
            onPointerUp={(event) => {
              follow.current?.(placeOf(event), true);
              follow.current = null;
            }}
            onPointerCancel={() => (follow.current = null)}
            onKeyDown={(event) => onKey?.(event, frame)}
          >
            {over?.(frame, px)}
            <g opacity="0.85">
              {edgeLetters(frame, px).map((letter) => (
                <Label key={letter.text} at={letter} px={px} colour="#ffe9a8" />
              ))}
            </g>
          </svg>
        </div>
      </div>
      {onScroll ? (
        <label class="slices">
          <span>
            {plane.name} <b>{number(depth)} mm</b>
          </span>
          <input
            type="range"
            min={0}
            max={on(volume.shape, plane.through) - 1}
            step={1}
            value={Math.round(depth / on(volume.spacing, plane.through))}
            aria-label={`${plane.name} slice`}
            aria-valuetext={`${number(depth)} mm`}
            onInput={(event) =>
              onScroll(Number(event.currentTarget.value) - Math.round(depth / on(volume.spacing, plane.through)))
            }
          />
        </label>
      ) : null}
    </div>
  );
}
