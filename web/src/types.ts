/** What the server answers. Every length is in mm, every place in the scan's own frame: voxel index times spacing, R, A, S. */

/** One number for each of R, A and S: a count of voxels, or (as `Mm`) a place or a way in mm. */
export type Triple = readonly [number, number, number];
export type Mm = Triple;
export type Probe = "constant" | "shuffled" | "border" | "interior";
export type Pair = readonly [number, number];

export interface Verdict {
  label: string;
  headline?: string;
  split?: string;
  step?: number;
  sentence: string;
  evidence: string[];
}

export interface Run {
  key: string;
  name: string;
  tasks: string[];
  view_mm: number;
  view_voxels: number;
  chunk_mm: number | null;
  spacing_mm: number;
  forms: Record<string, string>;
  uncertainty: boolean;
  steps: number[];
  best_step: number | null;
  total_steps: number | null;
  live: boolean;
  verdict: Verdict | null;
  simulated: boolean;
  evaluations: string[];
  /** False where the store is not the one it learned from, so that nobody knows who is held out. */
  own_store?: boolean;
}

export interface Scan {
  id: string;
  split: string;
  person: string | null;
  extent_mm: Mm;
  shape: Triple;
  channels: number;
  labelled: boolean;
}

export interface Session {
  version: string;
  runs: Run[];
  scans: Scan[];
}

export interface Gap {
  true: Mm[][];
  predicted: Mm[][];
  scale: Mm[][] | null;
  error_mm: (number | null)[][];
  mean_error_mm: number;
  chance_mm: number | null;
}

export interface ChunkPair {
  i_centre_mm: Mm;
  j_centre_mm: Mm;
}

export interface Adjacency {
  i: number;
  j: number;
  adjacent: ChunkPair;
  distant: ChunkPair;
  adjacent_mm: number;
  distant_mm: number;
  adjacent_similarity: number;
  distant_similarity: number;
}

export interface Route {
  kind: "step" | "route" | "tour";
  path: number[];
  true: Mm;
  predicted: Mm;
  waypoints_predicted: Mm[];
  error_mm: number;
}

export interface Direction {
  i: number;
  j: number;
  error_deg: number | null;
  error_mm: number;
}

export interface Look {
  step: number;
  scan: string;
  centres_mm: Mm[];
  view_mm: number;
  chunk_mm: number | null;
  gap: Gap | null;
  adjacency: Adjacency[] | null;
  routes: Route[] | null;
  directions: Direction[] | null;
  closure_mm: number | null;
  position: { error_mm: number; chance_mm: number | null; rows: { view: number; true: Mm; predicted: Mm }[] } | null;
  probe: Probe | null;
  milliseconds: number;
}

export interface LookRequest {
  run: string;
  step: number | null;
  scan: string;
  centres_mm: readonly Mm[];
  probe: Probe | null;
  probe_view: number | null;
}

export interface Where {
  target: string;
  grid_mm: Mm;
  origin_mm: Mm;
  shape: Triple;
  heat: number[];
  peak_mm: Mm;
  /** How far off the middle of the target's body would be. */
  chance_mm?: number | null;
  true_mm: Mm | null;
  error_mm: number | null;
  from_labels: string | null;
}

export interface WhereRequest {
  run: string;
  step: number | null;
  scan: string;
  centre_mm: Mm;
  target: string;
}

export interface Curve {
  unit: string;
  better: "lower" | "higher";
  chance: number | null;
  points: [number, number][];
  train: [number, number][];
}

export type History = Record<string, Record<string, Curve>>;

export interface Live {
  step: number;
  steps: number[];
  best_step: number | null;
  live: boolean;
  finished: boolean;
  history: History;
}

export interface Worst {
  sample: number;
  scan: string;
  view_i: number;
  view_j: number;
  error_mm: number;
  true: Mm;
  predicted: Mm;
  /** Null where the store shown does not hold the scan. */
  centres_mm: Mm[] | null;
}

/** One number with the share of evidence behind it. */
export interface Banded {
  error_mm: number;
  interval_mm: [number, number] | null;
  n: number;
  scans: number;
}

export interface Probed {
  label: string;
  meaning: string;
  unit: string;
  value: number | null;
  skill: number | null;
}

export interface Judged {
  evaluation: string | null;
  split: string | null;
  people: string;
  step: number | null;
  scans: number | null;
  persons: number | null;
  verdict: Verdict | null;
  probes: Record<string, Probed>;
  by_distance: (Banded & { low_mm: number; high_mm: number })[];
  by_region: (Banded & { axis: string; low: number; high: number })[];
  worst: Worst[];
}
