/** Server-Sent Events as the server writes them: section 9.2 of the HTML standard, with LF for line ends, and data of one line. */

/** A block of lines: an event, an `id` alone, `retry` alone, or a comment. */
export interface StreamBlock {
  readonly event?: string
  /** Absent: nothing for the program. */
  readonly data?: string
  /** Its own, not the one of a block before it. */
  readonly id?: string
  /** Milliseconds. */
  readonly retry?: string
}

/** Maximum characters of one block; a longer one is an error. */
const LARGEST = 64 * 1024 * 1024

/**
 * @param watch sees to it that a read ends
 * @throws what reading the body throws, and RangeError
 */
export async function* readBlocks(
  body: ReadableStream<Uint8Array>,
  watch: { read<T>(work: () => Promise<T>): Promise<T> },
): AsyncGenerator<StreamBlock, void, undefined> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await watch.read(() => reader.read())
      // An incomplete block counts as not sent.
      if (done) return
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) yield blockOf(block)
      if (rest.length > LARGEST) throw new RangeError('an event is too large')
    }
  } finally {
    // Not awaited: there is nothing to wait for on a connection that is silent.
    reader.cancel().catch(() => undefined)
  }
}

function blockOf(text: string): StreamBlock {
  return Object.fromEntries(text.split('\n').map((line) => line.split(/: ?(.*)/s, 2)))
}
