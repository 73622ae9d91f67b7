// What is asked of the server and what it answers. Written from its schema by docs/make_api.py: edit the models in
// src/orienteer/observatory/, then run `make web`. Positions are mm in the scan's own frame: voxel index times spacing.

/** Two chunks, one of each view. */
export interface ChunkPair {
  /** Centre of the chunk of view i, mm. */
  i_centre_mm: readonly [number, number, number];
  /** Centre of the chunk of view j, mm. */
  j_centre_mm: readonly [number, number, number];
}

/** Chunks of every pair of views. */
export interface ChunkPairs {
  /** Edge of a chunk, mm. */
  chunk_mm: number;
  /** One for each pair. */
  pairs: readonly ChunkSimilarity[];
}

/** Whether near chunks of two views look more alike than far ones. */
export interface ChunkSimilarity {
  /** First view. */
  i: number;
  /** Second view. */
  j: number;
  /** The nearest chunks. */
  adjacent: ChunkPair;
  /** The farthest chunks. */
  distant: ChunkPair;
  /** Distance of the nearest chunks, mm. */
  adjacent_mm: number | null;
  /** Distance of the farthest chunks, mm. */
  distant_mm: number | null;
  /** Cosine of their embeddings, -1 to 1. */
  adjacent_similarity: number | null;
  /** Cosine of their embeddings, -1 to 1. */
  distant_similarity: number | null;
}

/** One metric over training. */
export interface Curve {
  /** What people read. */
  title: string;
  /** `mm`, `deg`, `fraction`, `rank` or `1`. */
  unit: string;
  /** Which way is better. */
  better: "lower" | "higher";
  /** What a model that knows nothing reaches, in the same unit. */
  chance: number | null;
  /** On validation subjects: step and value. */
  points: readonly (readonly [number, number])[];
  /** In training: step and value. */
  train: readonly (readonly [number, number])[];
}

/** Displacements between views, row to column; null on the diagonal. */
export interface DisplacementMatrix {
  /** K x K, mm. */
  true: readonly (readonly (readonly [number, number, number] | null)[])[];
  /** K x K, mm. */
  predicted: readonly (readonly (readonly [number, number, number] | null)[])[];
  /** K x K predicted Laplace scales, mm; null where the task does not say how sure it is. */
  scale: readonly (readonly (readonly [number, number, number] | null)[])[] | null;
  /** K x K lengths of predicted minus true, mm. */
  error_mm: readonly (readonly (number | null)[])[];
}

/** Error of pairs whose true distance lies in a band. */
export interface DistanceBand {
  /** Mean over subjects, mm. */
  error_mm: number;
  /** 95 % interval over subjects, mm; null with too few. */
  interval_mm: readonly [number, number] | null;
  /** Pairs of views. */
  n: number;
  /** Scans they are from. */
  scans: number;
  /** From this distance, mm. */
  low_mm: number;
  /** Up to this one, mm. */
  high_mm: number;
}

/** Where would evaluation place views? */
export interface DrawRequest {
  /** The run. */
  run?: "a" | "b";
  /** The scan. */
  scan: string;
  /** Number of views. */
  count?: number;
  /** Number of the draw. */
  seed?: number;
}

/** Where views were drawn. */
export interface DrawResponse {
  /** Centres of the views, mm. */
  centres_mm: readonly (readonly [number, number, number])[];
}

/** The answer to every request that is refused. */
export interface ErrorResponse {
  /** Why. */
  error: Problem;
}

/** Every curve by task and metric. */
export type History = Record<string, Record<string, Curve>>;

/** Where a run is right and where it is wrong, in one evaluation. */
export interface JudgeResponse {
  /** Its name. */
  evaluation: string;
  /** Whom it was about. */
  split: string;
  /** The same in words, with whether the model has seen them. */
  people: string;
  /** Step of the model. */
  step: number;
  /** Scans evaluated. */
  scans: number;
  /** Subjects they are of. */
  persons: number;
  /** What it concluded. */
  verdict: Verdict;
  /** Key figures of every task. */
  figures: readonly KeyFigure[];
  /** The figure that the verdict and the probes rest on. */
  judged: KeyFigure | null;
  /** Honesty probes, the views as they are first; empty where none was made. */
  probes: readonly ProbeFigure[];
  /** Title of the task whose errors follow; null where no task says how views lie to each other. */
  task: string | null;
  /** Error by true distance. */
  by_distance: readonly DistanceBand[];
  /** Error by thirds of the body. */
  by_region: readonly Region[];
  /** Up to 50 cases, worst first. */
  worst: readonly WorstCase[];
}

/** A key figure of an evaluation. */
export interface KeyFigure {
  /** Title of its task. */
  task: string;
  /** What people read; of a title that two tasks share, with its task. */
  title: string;
  /** What it is. */
  metric: Metric;
  /** Its value. */
  figure: Value;
}

/** What came after a step. */
export interface LiveResponse {
  /** The run as it is now. */
  run: RunFacts;
  /** Points after the step asked for. */
  history: History;
}

/** What does the model say of these views? */
export interface LookRequest {
  /** The run. */
  run?: "a" | "b";
  /** A kept step; null is the best one. */
  step?: number | null;
  /** The scan. */
  scan: string;
  /** Centres of the views along R, A, S, mm. */
  centres_mm: readonly (readonly [number, number, number])[];
  /** An honesty probe, by a name of `SessionResponse.probes`: what is done to the views first. */
  probe?: string | null;
  /** The one view it is done to; null is all of them. */
  probe_view?: number | null;
}

/** What the model says of the views. */
export interface LookResponse {
  /** Step of the model. */
  step: number | null;
  /** As asked. */
  scan: string;
  /** Where the views really lie, mm: on whole voxels and inside the scan. */
  centres_mm: readonly (readonly [number, number, number])[];
  /** Edge of a view, mm. */
  view_mm: number;
  /** As asked. */
  probe: string | null;
  /** As asked. */
  probe_view: number | null;
  /** Name of the task that speaks for the whole answer; null where no task can say anything of views like these. */
  judged: string | null;
  /** Every task that can answer about views anywhere. */
  tasks: readonly TaskAnswer[];
  /** Where a probe was asked for, the views as the model received them: of each a cube of grey levels of the first channel, one byte a voxel, R fastest, all of them in base64. Null without a probe. */
  images: string | null;
  /** Time spent on the answer, ms. */
  milliseconds: number;
}

/** What a number is: its name, its unit, what it means and what to look for. Recorded with every evaluation. */
export interface Metric {
  /** Key in records, e.g. `gap_error_mm`: in mm or degrees, the unit ends the name. */
  name: string;
  /** What a person reads, e.g. `Gap error`. */
  title: string;
  /** `mm`, `deg`, `fraction`, `rank`, `s`, or `1` for a pure number. */
  unit: string;
  /** What it measures, as the rest of a sentence that begins with its title. */
  meaning: string;
  /** What to look for in its curve over training. */
  look: string;
  /** The answer that looks at nothing, whose value stands beside it, e.g. `answering “no gap at all”`. */
  chance: string;
  /** Which way is better. */
  better: "lower" | "higher";
  /** How prominent it is: among the key figures, as a curve at once, or behind a click. */
  shown: "card" | "curve" | "detail";
  /** Shown among the key figures only where this other metric could not be measured. */
  stands_in_for: string | null;
  /** What its value is the mean of, so that it gets an interval over subjects: a column, or `vector` for the length of `pred_* - true_*`. */
  per_row: string | null;
}

/** One thing to do after a verdict. */
export interface NextStep {
  /** What was found, or what the command is for. */
  why: string;
  /** To type; empty where there is none. */
  command: string;
}

/** A walk from view to view. */
export interface Path {
  /** `step`: one step; `tour`: a round trip; any other word: several steps. */
  kind: string;
  /** The views in order. */
  path: readonly number[];
  /** Displacement from the start, mm. */
  true: readonly [number, number, number] | null;
  /** Sum of the predicted steps, mm. */
  predicted: readonly [number, number, number] | null;
  /** Where the predicted steps lead, from the true centre of the first view, mm. */
  waypoints_predicted: readonly (readonly [number, number, number] | null)[];
  /** Length of predicted minus true, mm. */
  error_mm: number | null;
  /** Of a step: angle between predicted and true, degrees; null for longer walks, and where the centres coincide. */
  error_deg: number | null;
}

/** Walks over the views. */
export interface Paths {
  /** Whether round trips close by algebra, whatever was learned. */
  closes: boolean;
  /** Every walk; among them the step of every ordered pair of views. */
  paths: readonly Path[];
}

/** Position of a single point. */
export interface PlacedPoint {
  /** The view it lies in. */
  view: number;
  /** From the middle of all points, mm. */
  true: readonly [number, number, number] | null;
  /** From the middle of all points, mm. */
  predicted: readonly [number, number, number] | null;
}

/** Let the model see a whole scan. */
export interface PrepareRequest {
  /** The run. */
  run?: "a" | "b";
  /** A kept step; null is the best one. */
  step?: number | null;
  /** The scan. */
  scan: string;
}

/** The model has seen the scan; what is asked of it next is quick, until others were asked about. */
export interface PrepareResponse {
  /** Step of the model. */
  step: number;
  /** As asked. */
  scan: string;
  /** Time spent on it, ms; near 0 where it had been seen before. */
  milliseconds: number;
}

/** An honesty probe in words, and what it takes away. */
export interface ProbeCard {
  /** Key in settings and records. */
  name: string;
  /** What a person reads, e.g. `voxels shuffled`. */
  title: string;
  /** What is done to every view, as the rest of a sentence: `the voxels of every view shuffled`. */
  meaning: string;
  /** What to expect of an honest model. */
  look: string;
  /** What is left of a view; the verdict's rule is about this. */
  leaves: "no anatomy" | "the border" | "the inside";
}

/** What one honesty probe gave. */
export interface ProbeFigure {
  /** Of the probe; `real` for the views as they are. */
  name: string;
  /** Short name. */
  label: string;
  /** What was done to the views. */
  meaning: string;
  /** Of the value. */
  unit: string;
  /** The judged figure with the views so changed; null where it is not finite. */
  value: number | null;
  /** Share of the way from chance, 0, to perfect, 1. */
  skill: number | null;
}

/** Why a request is refused. */
export interface Problem {
  /** Stable word for programs, see refusals. */
  code: string;
  /** What is wrong, for people. */
  message: string;
  /** What helps; may be empty. */
  cure: string;
}

/** Error of pairs whose first view lies in a third of the body. */
export interface Region {
  /** Mean over subjects, mm. */
  error_mm: number;
  /** 95 % interval over subjects, mm; null with too few. */
  interval_mm: readonly [number, number] | null;
  /** Pairs of views. */
  n: number;
  /** Scans they are from. */
  scans: number;
  /** Along which the body is divided. */
  axis: "R" | "A" | "S";
  /** The third in words. */
  label: string;
  /** Begin as a fraction of the body. */
  low: number;
  /** End as a fraction of the body. */
  high: number;
}

/** A run. */
export interface RunFacts {
  /** Names the run in requests. */
  key: "a" | "b";
  /** Its folder's name, with the method's where a benchmark made it. */
  name: string;
  /** Pretext tasks it was trained with, in order. */
  tasks: readonly TaskFacts[];
  /** Name of the task that a verdict rests on; null where no task has described itself. */
  judged: string | null;
  /** Edge of a view, mm. */
  view_mm: number;
  /** Edge of a view, voxels. */
  view_voxels: number;
  /** Views of a sample. */
  views: number;
  /** Edge of a voxel, mm. */
  spacing_mm: number;
  /** Steps that can be asked: 0, the untrained model, then every kept checkpoint. */
  steps: readonly number[];
  /** The step of the verdict where its checkpoint is kept, else the newest. */
  best_step: number;
  /** The last step logged. */
  step: number;
  /** Steps of the whole training. */
  total_steps: number;
  /** It has not finished, and has written something in the last ten minutes. */
  live: boolean;
  /** It has come to its end. */
  finished: boolean;
  /** Null where it was not evaluated; while it trains, of its last validation. */
  verdict: RunVerdict | null;
  /** What to do now, most urgent first. */
  next: readonly NextStep[];
  /** The scans were made by a program. */
  simulated: boolean;
  /** Names of its evaluations. */
  evaluations: readonly string[];
  /** False: the store is not the one it learned from, so its splits do not say who was held out. */
  own_store: boolean;
}

/** The verdict of the evaluation that speaks for a run. */
export interface RunVerdict {
  /** `learning`, `stuck` or `cheating`. */
  label: string;
  /** Its colour: the label, or `partly` where a task is still at chance though the run is learning. */
  tone: string;
  /** The label as a sentence. */
  headline: string;
  /** Why, in one sentence. */
  sentence: string;
  /** The figures it rests on, one sentence each. */
  evidence: readonly string[];
  /** The rule that gave it, one sentence for each label. */
  rule: readonly string[];
  /** Whom the evaluation was about. */
  split: string;
  /** Step of the model it evaluated. */
  step: number;
  /** The figure that it rests on. */
  judged: KeyFigure | null;
}

/** A scan of the store. */
export interface ScanFacts {
  /** Names the scan in requests. */
  id: string;
  /** `train`, `val`, `test`, or as the store has it. */
  split: string;
  /** Id of the subject; null where it is not known. */
  person: string | null;
  /** Voxels times spacing, mm. */
  extent_mm: readonly [number, number, number];
  /** Voxels. */
  shape: readonly [number, number, number];
  /** Edge of a voxel, mm. */
  spacing_mm: number;
  /** Number of channels. */
  channels: number;
  /** Their names, where they have any. */
  channel_names: readonly string[];
  /** It has a label map. */
  labelled: boolean;
  /** Lowest and highest corner of the body, mm. */
  body_mm: readonly [readonly [number, number, number], readonly [number, number, number]];
}

/** What is open. */
export interface SessionResponse {
  /** Of Orienteer. */
  version: string;
  /** One, or two of one store. */
  runs: readonly RunFacts[];
  /** Test subjects first, then validation, then training. */
  scans: readonly ScanFacts[];
  /** What can be done to views before the model sees them. */
  probes: readonly ProbeCard[];
}

/** What one task says of the views; of what it is no evidence of is null. */
export interface TaskAnswer {
  /** The task. */
  task: TaskFacts;
  /** Every metric by name. */
  measures: Record<string, Value>;
  /** Displacement of every pair of views. */
  displacements: DisplacementMatrix | null;
  /** Chunks of every pair of views. */
  chunk_pairs: ChunkPairs | null;
  /** Walks over the views. */
  paths: Paths | null;
  /** Positions of single points. */
  points: readonly PlacedPoint[] | null;
}

/** A pretext task in words. */
export interface TaskFacts {
  /** Key in measures and curves. */
  name: string;
  /** What people read; its name where it has not described itself. */
  title: string;
  /** What its figures answer; empty where it has not described itself. */
  question: string;
  /** What the model is asked; empty where it has not described itself. */
  intro: string;
  /** What it measures. */
  metrics: readonly Metric[];
  /** Name of the metric that speaks for it. */
  judged: string;
}

/** A measured value as it is recorded; None where it is not finite. */
export interface Value {
  /** Null where it is not finite. */
  value: number | null;
  /** `mm`, `deg`, `fraction`, `rank`, `s` or `1`. */
  unit: string;
  /** What a model that knows nothing reaches on the same targets; null where chance has no meaning. */
  chance: number | null;
  /** Which way is better. */
  better: "lower" | "higher";
  /** 95 % bootstrap interval over subjects, where the metric is a mean of rows and there are three or more. */
  interval: readonly [number, number] | null;
}

/** What an evaluation concluded. */
export interface Verdict {
  /** `learning`, `stuck` or `cheating`. */
  label: string;
  /** Its colour: the label, or `partly` where a task is still at chance though the run is learning. */
  tone: string;
  /** The label as a sentence. */
  headline: string;
  /** Why, in one sentence. */
  sentence: string;
  /** The figures it rests on, one sentence each. */
  evidence: readonly string[];
  /** The rule that gave it, one sentence for each label. */
  rule: readonly string[];
}

/** Where in the scan `target` is what lies at this point of `scan`? */
export interface WhereRequest {
  /** The run. */
  run?: "a" | "b";
  /** A kept step; null is the best one. */
  step?: number | null;
  /** The scan the point is in. */
  scan: string;
  /** The point along R, A, S, mm; the voxel nearest to it is taken. */
  point_mm: readonly [number, number, number];
  /** The scan it is looked for in. */
  target: string;
}

/** Where the point lies in the other scan, as `Run.locate` says; worlds are those that 3D Slicer shows. */
export interface WhereResponse {
  /** Step of the model. */
  step: number;
  /** As asked. */
  scan: string;
  /** Centre of the voxel that was looked for, mm. */
  point_mm: readonly [number, number, number];
  /** The same in the scan's world, mm. */
  point_world_mm: readonly [number, number, number];
  /** As asked. */
  target: string;
  /** Where it lies in the other scan, mm; null where it is not in it. */
  found_mm: readonly [number, number, number] | null;
  /** The same in the other scan's world, mm. */
  found_world_mm: readonly [number, number, number] | null;
  /** Radius of the ball around it that holds the truth in 90 %, mm; null where it is not in the scan. */
  ring_mm: number | null;
  /** How far from where it started the point comes back, mm. */
  cycle_mm: number;
  /** Why it is not in the scan; empty where it is. */
  why: string;
  /** Time spent on the answer, ms. */
  milliseconds: number;
}

/** A pair of views with a large error. `look` at the evaluation's step gives the same error. */
export interface WorstCase {
  /** Number of the sample. */
  sample: number;
  /** Id of its scan. */
  scan: string;
  /** From this view. */
  view_i: number;
  /** To this one. */
  view_j: number;
  /** Length of predicted minus true displacement, mm; null where it is no number. */
  error_mm: number | null;
  /** True displacement, mm. */
  true: readonly [number, number, number];
  /** Predicted displacement, mm. */
  predicted: readonly [number, number, number] | null;
  /** Centres of all views of the sample, mm; null where the store shown does not hold the scan. */
  centres_mm: readonly (readonly [number, number, number])[] | null;
}
