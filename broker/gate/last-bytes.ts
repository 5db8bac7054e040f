/** Closes a connection from the server's side. */
import type { Duplex } from 'node:stream'

/** How long a peer may take to read the last bytes before its socket is destroyed, ms. */
const LINGER_MS = 2000

/** Writes the last bytes, then closes; whatever the peer does, the socket is gone after a while. */
export function endWith(stream: Duplex, bytes: Uint8Array | undefined): void {
  if (bytes !== undefined && stream.writable) stream.write(bytes)
  stream.end()
  // Closing with unread input would reset the connection and take the last bytes with it: read on, into nothing.
  stream.removeAllListeners('data')
  stream.resume()
  const linger = setTimeout(() => stream.destroy(), LINGER_MS).unref()
  stream.once('end', () => stream.destroy())
  stream.once('close', () => clearTimeout(linger))
}
