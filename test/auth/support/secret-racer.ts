/** A process that opens auth on each directory it is told, and answers with a token and the token id of its triple. */
import { fileSecrets, openAuth } from '../../../auth/index.ts'
import { GRANT } from './auth.ts'

async function start(directory: string): Promise<void> {
  const auth = await openAuth({ secrets: fileSecrets(directory), providers: [] })
  process.send?.(auth.issue(GRANT))
}

// What fails here ends the process, which its parent sees as a failure.
process.on('message', (directory: string) => void start(directory))
process.send?.('ready')
