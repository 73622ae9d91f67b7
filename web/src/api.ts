/** Talks to the server that sent this page, and to nobody else. */

import type {
  DrawRequest,
  DrawResponse,
  ErrorResponse,
  History,
  JudgeResponse,
  LiveResponse,
  LookRequest,
  LookResponse,
  PrepareRequest,
  PrepareResponse,
  SessionResponse,
  WhereRequest,
  WhereResponse,
} from "./api-types.ts";

/** What the server refused, why, and what helps. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly cure: string,
  ) {
    super(message);
  }
}

async function answer(path: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...init });
  } catch {
    throw new Refused("no-server", "The server does not answer.", "Is `orienteer observe` still running?");
  }
  if (response.ok) return response;
  let error: Partial<ErrorResponse["error"]> = {};
  try {
    error = ((await response.json()) as Partial<ErrorResponse>).error ?? {};
  } catch {
    // an answer without a body says enough by its status
  }
  throw new Refused(error.code ?? String(response.status), error.message ?? response.statusText, error.cure ?? "");
}

async function get<T>(path: string): Promise<T> {
  return (await (await answer(path)).json()) as T;
}

function posted(body: unknown): RequestInit {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

async function post<T>(path: string, body: unknown): Promise<T> {
  return (await (await answer(path, posted(body))).json()) as T;
}

const part = encodeURIComponent;

export const session = (): Promise<SessionResponse> => get("api/session");
export const look = (request: LookRequest): Promise<LookResponse> => post("api/look", request);
export const prepare = (request: PrepareRequest): Promise<PrepareResponse> => post("api/prepare", request);
export const where = (request: WhereRequest): Promise<WhereResponse> => post("api/where", request);
export const history = (run: string): Promise<History> => get(`api/history/${part(run)}`);
export const live = (run: string, since: number): Promise<LiveResponse> => get(`api/live/${part(run)}?since=${since}`);
export const judge = (run: string): Promise<JudgeResponse> => get(`api/judge/${part(run)}`);

export async function scan(id: string, channel: number): Promise<ArrayBuffer> {
  return (await answer(`api/scan/${part(id)}.nii?channel=${channel}`)).arrayBuffer();
}

export async function draw(scan: string, count: number, seed: number): Promise<DrawResponse["centres_mm"]> {
  const asked: DrawRequest = { scan, count, seed };
  return (await post<DrawResponse>("api/draw", asked)).centres_mm;
}
