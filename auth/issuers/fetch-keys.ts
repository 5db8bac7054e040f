/** Fetches a JWK Set, with limits on its time and size. */

const LARGEST_ANSWER = 256 * 1024

/** @throws Error that holds nothing of the answer */
export async function fetchText(uri: string, signal: AbortSignal): Promise<string> {
  // Where a redirect leads is not what the operator has vouched for.
  const response = await fetch(uri, { redirect: 'manual', signal, headers: { accept: 'application/json' } })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`it answered with status ${response.status}`)
  }
  const parts: Uint8Array[] = []
  let size = 0
  // Decompressed: whatever it is made of, this is what it takes here.
  for await (const part of response.body ?? []) {
    size += part.length
    // Leaving the loop ends the connection.
    if (size > LARGEST_ANSWER) throw new Error(`its answer is larger than ${LARGEST_ANSWER} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
