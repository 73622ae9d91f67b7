/**
 * The three planes of a scan, and the way between mm, voxels and a picture.
 *
 * A voxel's value sits at its index times the spacing, so a picture of n voxels reaches from -spacing/2 to
 * (n - 1/2) spacing. Pictures are measured in mm: the drawing over a plane uses mm as its unit and nothing is ever
 * converted to screen pixels but by the browser.
 */

import type { Mm, Triple } from "./vector.ts";
import { along, on } from "./vector.ts";

export interface Grid {
  /** Voxels along R, A, S. */
  shape: Triple;
  /** Size of a voxel along R, A, S in mm. */
  spacing: Mm;
}

export interface Plane {
  name: "axial" | "coronal" | "sagittal";
  /** The axis looked along, and the axes that run across and up the picture. */
  through: 0 | 1 | 2;
  across: 0 | 1 | 2;
  up: 0 | 1 | 2;
}

export const AXIAL: Plane = { name: "axial", through: 2, across: 0, up: 1 };
export const CORONAL: Plane = { name: "coronal", through: 1, across: 0, up: 2 };
export const SAGITTAL: Plane = { name: "sagittal", through: 0, across: 1, up: 2 };
export const PLANES: readonly Plane[] = [AXIAL, CORONAL, SAGITTAL];

const TOWARDS = ["R", "A", "S"] as const;
const AWAY = ["L", "P", "I"] as const;

/** A picture of a plane: its size in mm, and whether the patient's right, or front, lies at the left (radiological). */
export interface Frame {
  plane: Plane;
  grid: Grid;
  mirrored: boolean;
  width: number;
  height: number;
}

export function frameOf(plane: Plane, grid: Grid, radiological: boolean): Frame {
  return {
    plane,
    grid,
    mirrored: radiological,
    width: on(grid.shape, plane.across) * on(grid.spacing, plane.across),
    height: on(grid.shape, plane.up) * on(grid.spacing, plane.up),
  };
}

/** Where `place` falls on the picture, in mm from its top left corner. */
export function toPicture(frame: Frame, place: Mm): { x: number; y: number } {
  const { plane, grid } = frame;
  const x = on(place, plane.across) + on(grid.spacing, plane.across) / 2;
  const y = on(place, plane.up) + on(grid.spacing, plane.up) / 2;
  return { x: frame.mirrored ? frame.width - x : x, y: frame.height - y };
}

/** The place under a point of the picture; its depth is that of `slice`. */
export function toPlace(frame: Frame, x: number, y: number, slice: Mm): Mm {
  const { plane, grid } = frame;
  const across = (frame.mirrored ? frame.width - x : x) - on(grid.spacing, plane.across) / 2;
  const up = frame.height - y - on(grid.spacing, plane.up) / 2;
  return along(along(slice, plane.across, across), plane.up, up);
}

/** The voxel whose cube holds `mm`, kept inside the scan. */
export function voxelOf(grid: Grid, axis: number, mm: number): number {
  const last = on(grid.shape, axis) - 1;
  return Math.min(last, Math.max(0, Math.round(mm / on(grid.spacing, axis))));
}

/** Radius of the circle that a slice cuts out of a ball, `off` mm from its middle; null where it does not reach it. */
export const cutOf = (radius: number, off: number): number | null =>
  off < radius ? Math.sqrt(radius ** 2 - off ** 2) : null;

/** The four letters at the edges of a picture: left, right, top, bottom. */
export function letters(frame: Frame): { left: string; right: string; top: string; bottom: string } {
  const { across, up } = frame.plane;
  const [left, right] = frame.mirrored ? [TOWARDS[across], AWAY[across]] : [AWAY[across], TOWARDS[across]];
  return { left, right, top: TOWARDS[up], bottom: AWAY[up] };
}
