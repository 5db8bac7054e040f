/** HTTP/1.1 over sockets that stay open: prebuilt requests, one at a time on each, and no more parsing than is needed. */
import { once } from 'node:events'
import { type Socket, connect as openSocket } from 'node:net'

export interface HttpAnswer {
  readonly status: number
  readonly body: string
}

interface Job {
  readonly bytes: Buffer
  resolve(answer: HttpAnswer): void
  reject(error: Error): void
}

export function httpRequest(method: string, path: string, bearer: string, body?: unknown): Buffer {
  const text = body === undefined ? '' : JSON.stringify(body)
  const lines = [`${method} ${path} HTTP/1.1`, 'host: localhost', `authorization: Bearer ${bearer}`]
  if (body !== undefined) lines.push('content-type: application/json', `content-length: ${Buffer.byteLength(text)}`)
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${text}`)
}

export class HttpPool {
  readonly #sockets: Socket[] = []
  readonly #idle: Socket[] = []
  readonly #queue: Job[] = []
  readonly #busy = new Map<Socket, Job>()

  static async open(port: number, sockets: number): Promise<HttpPool> {
    const pool = new HttpPool()
    for (let count = 0; count < sockets; count += 1) {
      const socket = openSocket({ port, host: '127.0.0.1', noDelay: true })
      await once(socket, 'connect')
      pool.#adopt(socket)
    }
    return pool
  }

  request(bytes: Buffer): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ bytes, resolve, reject })
      this.#next()
    })
  }

  close(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  #adopt(socket: Socket): void {
    let rest = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
      const answer = readAnswer(rest)
      if (answer === undefined) return
      rest = Buffer.alloc(0)
      const job = this.#busy.get(socket)
      this.#busy.delete(socket)
      this.#idle.push(socket)
      job?.resolve(answer)
      this.#next()
    })
    const lost = (error: Error): void => this.#busy.get(socket)?.reject(error)
    socket.on('error', lost)
    socket.on('close', () => lost(new Error('the server closed an HTTP connection')))
    this.#sockets.push(socket)
    this.#idle.push(socket)
  }

  #next(): void {
    while (this.#queue.length > 0) {
      const socket = this.#idle.pop()
      if (socket === undefined) return
      const job = this.#queue.shift()
      if (job === undefined) return
      this.#busy.set(socket, job)
      socket.write(job.bytes)
    }
  }
}

/** The answer, when all of it is there. */
function readAnswer(bytes: Buffer): HttpAnswer | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const head = bytes.toString('latin1', 0, headEnd)
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
  const bodyAt = headEnd + 4
  if (bytes.length < bodyAt + length) return undefined
  return { status: Number(head.slice(9, 12)), body: bytes.toString('utf8', bodyAt, bodyAt + length) }
}
