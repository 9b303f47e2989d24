// Asks the API and understands its refusals (problem+json).

const ANSWER_WITHIN_MS = 20_000; // longer than the slowest honest answer; then we say so

// { status, ok, document, code, retryAfterMs }; throws Unreachable when no answer came.
export async function ask(method, url, { body, headers = {}, withinMs = ANSWER_WITHIN_MS } = {}) {
  let response, document;
  try {
    response = await fetch(url, {
      method,
      headers: {
        Accept: "application/json",
        ...(body ? { "Content-Type": "application/json" } : {}),
        ...headers,
      },
      body: body ? JSON.stringify(body) : undefined,
      signal: AbortSignal.timeout(withinMs),
    });
    const text = await response.text();
    document = text && response.headers.get("Content-Type")?.includes("json") ? JSON.parse(text) : {};
  } catch (error) {
    throw new Unreachable(error);
  }
  return {
    status: response.status,
    ok: response.ok,
    document,
    code: response.ok ? "" : codeOf(document),
    retryAfterMs: retryAfterMs(response, document),
  };
}

export class Unreachable extends Error {
  constructor(cause) {
    super("no answer", { cause });
  }
}

// Whether the same request may be made again later: the server was busy, not against it.
export function isPassing(answer) {
  return answer.status === 429 || answer.status >= 500;
}

export function pause(lengthMs) {
  return new Promise((resolve) => setTimeout(resolve, lengthMs));
}

// A crowd that was refused together must not come back together.
export function jittered(lengthMs, share = 0.5) {
  return lengthMs * (1 + Math.random() * share);
}

function codeOf(document) {
  return String(document.type ?? "").split("/").pop();
}

function retryAfterMs(response, document) {
  if (document.retry_after_ms > 0) return document.retry_after_ms;
  const seconds = Number(document.retry_after ?? response.headers.get("Retry-After"));
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0;
}
