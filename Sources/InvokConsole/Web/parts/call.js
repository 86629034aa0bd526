// One call of a function, and its answer as data.

import { invoke, Problem } from "../api.js";

/**
 * @typedef {{method: string, path: string, headers: {name: string, value: string}[], body: string}} CallRequest
 * @typedef {{status: number, headers: {name: string, value: string}[], bytes: Uint8Array, firstMilliseconds: number,
 *   milliseconds: number, wholeMilliseconds: number, truncated: boolean, isWhole: boolean}} Answer
 */

/** @param {Uint8Array} bytes */
function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

/** @param {string} text */
function unbase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/**
 * @param {{uuid: string, name: string}} key
 * @param {CallRequest} request
 * @param {AbortSignal} signal
 * @param {(answer: Answer) => void} whenMore is called with what there is as it comes
 * @returns {Promise<Answer>}
 */
export async function call(key, request, signal, whenMore) {
  const began = performance.now();
  /** @type {Answer} */
  const answer = {
    status: 0, headers: [], bytes: new Uint8Array(), firstMilliseconds: 0, milliseconds: 0, wholeMilliseconds: 0,
    truncated: false, isWhole: false,
  };
  /** @type {Uint8Array[]} */
  const pieces = [];
  const body = request.body ? base64(new TextEncoder().encode(request.body)) : undefined;
  for await (const event of invoke(key, { ...request, body }, signal)) {
    if (event.type === "body") {
      pieces.push(unbase64(event.data));
      answer.bytes = joined(pieces);
    } else {
      const data = JSON.parse(event.data);
      if (event.type === "problem") throw Object.assign(new Problem(data), { answer });
      if (event.type === "head") {
        Object.assign(answer, { status: data.status, headers: data.headers, firstMilliseconds: data.milliseconds });
      } else {
        Object.assign(answer, { milliseconds: data.milliseconds, truncated: data.truncated, isWhole: true });
      }
    }
    answer.wholeMilliseconds = performance.now() - began;
    whenMore(answer);
  }
  if (!answer.isWhole) throw new Problem({ detail: "The answer broke off.", next_step: "See the function's log." });
  return answer;
}

/** @param {Uint8Array[]} pieces */
function joined(pieces) {
  if (pieces.length === 1) return pieces[0];
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  pieces.splice(0, pieces.length, whole);
  return whole;
}
