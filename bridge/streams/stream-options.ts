/** What all streams of a process share. */
import type { HttpLimits } from '../limits.ts'
import { SlowReaders } from './slow-readers.ts'

export interface StreamOptions {
  /** A stream is quiet for no longer, ms. */
  readonly commentMs: number
  /** A client that takes nothing for so long, besides, is gone, ms. */
  readonly stallMs: number
  readonly slowReaders: SlowReaders
  /** From 0 up to 1. */
  readonly random: () => number
}

/** Read for one stream at one time, of each log; one message always fits. */
export const STREAM_PAGE_BYTES = 64 * 1024

export function streamOptions(limits: HttpLimits, random: () => number = Math.random): StreamOptions {
  return {
    commentMs: limits.streamCommentMs,
    stallMs: limits.requestTimeoutMs,
    slowReaders: new SlowReaders(limits.streamBytes),
    random,
  }
}
