/** Talks to the server that sent this page, and to nobody else. */

import type { History, Judged, Live, Look, LookRequest, Mm, Session, Where, WhereRequest } from "./types.ts";

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
  let error: { code?: string; message?: string; cure?: string } = {};
  try {
    error = ((await response.json()) as { error?: typeof error }).error ?? {};
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

export const session = (): Promise<Session> => get("api/session");
export const look = (request: LookRequest): Promise<Look> => post("api/look", request);
export const where = (request: WhereRequest): Promise<Where> => post("api/where", request);
export const history = (run: string): Promise<History> => get(`api/history/${part(run)}`);
export const live = (run: string, since: number): Promise<Live> => get(`api/live/${part(run)}?since=${since}`);
export const judge = (run: string): Promise<Judged> => get(`api/judge/${part(run)}`);

export async function scan(id: string, channel: number): Promise<ArrayBuffer> {
  return (await answer(`api/scan/${part(id)}.nii?channel=${channel}`)).arrayBuffer();
}

export async function draw(scan: string, count: number, seed: number): Promise<Mm[]> {
  return (await post<{ centres_mm: Mm[] }>("api/draw", { scan, count, seed })).centres_mm;
}

/** The page as one offline file. */
export async function offline(body: unknown): Promise<Blob> {
  return (await answer("api/share/html", posted(body))).blob();
}
