/** Several processes of one server on one machine (`--workers`): they share its ports, and one Redis. */
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import type { Logger } from 'pino'
import { AggregatorRegistry, type Registry } from 'prom-client'

const LISTENERS = ['mqtt', 'http', 'mqtts', 'https'] as const

/** By listener; one that is off has none. */
export type Ports = { readonly [L in (typeof LISTENERS)[number]]?: number }

type Message =
  | { readonly push: 'ready'; readonly ports: Ports }
  | { readonly push: 'metrics'; readonly request: number }
  | { readonly push: 'metrics-text'; readonly request: number; readonly text: string }

/** No name of a setting: those that are none are refused. */
const portVariable = (listener: string) => `AEDES_PUSH_WORKER_${listener.toUpperCase()}_PORT`

/** A worker that dies at once does so again: pause before the next, ms. */
const RESPAWN_MS = 1000

export interface SupervisorOptions {
  readonly workers: number
  readonly logger: Logger
  /** All workers serve. */
  ready(ports: Ports): void
  /** One could not start, and all have ended. */
  failed(code: number): void
}

export interface Supervisor {
  /** Resolves with the exit code when all have ended. */
  stop(): Promise<number>
}

/** Starts the workers and keeps them running. */
export function supervise({ workers, logger, ready, failed }: SupervisorOptions): Supervisor {
  const metrics = new AggregatorRegistry()
  const serving = new Set<Worker>()
  let started = false
  let stopping = false
  let shared: Ports | undefined

  const notReached = (error: unknown) => logger.error({ err: error }, 'a worker could not be reached')

  function spawn(): void {
    // A port that the first workers found free is the one that later workers serve too.
    const worker = cluster.fork(portVariables(shared ?? {}))
    worker.on('message', (message: Message) => {
      if (message.push === 'metrics') answerMetrics(worker, message.request).catch(notReached)
      if (message.push === 'ready') served(worker, message.ports)
    })
    worker.on('exit', (code, signal) => gone(worker, code, signal))
  }

  function served(worker: Worker, ports: Ports): void {
    serving.add(worker)
    shared = ports
    if (started || serving.size < workers) return
    started = true
    ready(ports)
  }

  function gone(worker: Worker, code: number, signal: string): void {
    serving.delete(worker)
    if (stopping) return
    if (!started) {
      logger.fatal({ worker: worker.id, code, signal }, 'a worker could not start')
      stopping = true
      const ended = () => failed(code === 0 ? 1 : code)
      stopAll().then(ended, ended)
      return
    }
    logger.error({ worker: worker.id, code, signal }, 'a worker ended, starting another')
    setTimeout(() => stopping || spawn(), RESPAWN_MS)
  }

  async function answerMetrics(worker: Worker, request: number): Promise<void> {
    try {
      send(worker, { push: 'metrics-text', request, text: await metrics.clusterMetrics() })
    } catch (error) {
      logger.warn({ err: error }, 'the metrics of the workers could not be gathered')
      send(worker, { push: 'metrics-text', request, text: '' })
    }
  }

  for (let n = 0; n < workers; n++) spawn()
  return {
    async stop() {
      stopping = true
      return await stopAll()
    },
  }
}

/** Passes a signal on to every worker. */
export function signalWorkers(signal: NodeJS.Signals): void {
  for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill(signal)
}

/** 0 when every worker ended as it should. */
async function stopAll(): Promise<number> {
  const ends = Object.values(cluster.workers ?? {}).map(async (worker) => {
    if (worker === undefined || worker.isDead()) return 0
    const exited = once(worker, 'exit') as Promise<[code: number | null]>
    worker.process.kill('SIGTERM')
    const [code] = await exited
    return code ?? 1
  })
  return Math.max(0, ...(await Promise.all(ends)))
}

function send(worker: Worker, message: Message): void {
  if (worker.isConnected()) worker.send(message)
}

/** The ports that a worker is to serve, or those of the settings. */
export function portsOf(
  env: Readonly<Record<string, string | undefined>>,
  settings: Readonly<Record<keyof Ports, number | 'off'>>,
): Ports {
  const wanted = LISTENERS.filter((listener) => settings[listener] !== 'off')
  return Object.fromEntries(
    wanted.map((listener) => [listener, Number(env[portVariable(listener)] ?? settings[listener])]),
  )
}

function portVariables(ports: Ports): Record<string, number> {
  return Object.fromEntries(Object.entries(ports).map(([listener, port]) => [portVariable(listener), port]))
}

/** Tells the supervisor that this worker serves. */
export function reportReady(ports: Ports): void {
  process.send?.({ push: 'ready', ports } satisfies Message)
}

/** The metrics of all workers together, for the one that was asked. */
export function sharedMetrics(registry: Registry): () => Promise<string> {
  AggregatorRegistry.setRegistries([registry])
  // Its constructor is what makes a worker answer the supervisor.
  void new AggregatorRegistry()
  const waiting = new Map<number, (text: string) => void>()
  let requests = 0
  process.on('message', (message: Message) => {
    if (message.push !== 'metrics-text') return
    waiting.get(message.request)?.(message.text)
    waiting.delete(message.request)
  })
  return () =>
    new Promise((resolve) => {
      const request = ++requests
      waiting.set(request, resolve)
      process.send?.({ push: 'metrics', request } satisfies Message)
    })
}
