/**
 * Runs several processes of one server on one machine (`--workers`), which share its ports, its limits and one Redis.
 */
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { exitCodeOf } from './ending.ts'
import { createTally, Exchange, type Change } from '../common/tally.ts'
import { MetricsOfWorkers, textOfOne, type WorkerMetrics } from './worker-metrics.ts'

const LISTENERS = ['mqtt', 'http', 'mqtts', 'https'] as const

/** By listener; one that is off has none. */
export type Ports = { readonly [L in (typeof LISTENERS)[number]]?: number }

/** From a worker. */
type Report =
  | { readonly push: 'ready'; readonly ports: Ports }
  | { readonly push: 'metrics-wanted'; readonly request: number }
  | { readonly push: 'metrics'; readonly request: number; readonly metrics: WorkerMetrics }
  | { readonly push: 'counts'; readonly changes: readonly Change[] }

/** To a worker. */
type Order =
  | { readonly push: 'metrics-text'; readonly request: number; readonly text: string }
  | { readonly push: 'metrics-asked'; readonly request: number }
  | { readonly push: 'counts'; readonly changes: readonly Change[] }

/** No name of a setting: those that are none are refused. */
const portVariable = (listener: string) => `AEDES_PUSH_WORKER_${listener.toUpperCase()}_PORT`

/** A worker that dies at once does so again: pause before the next, ms. */
const RESPAWN_MS = 1000
/** For workers to end in order, ms: less than the primary itself has. */
const STOP_MS = 7_000
/** For the primary to gather the metrics of all, ms. */
const METRICS_MS = 2_000

interface SupervisorOptions {
  readonly workers: number
  readonly logger: Logger
  /** All workers serve. */
  ready(ports: Ports): void
  /** One could not start, and all have ended. */
  failed(code: number): void
}

interface Supervisor {
  /** Resolves with the exit code when all have ended. */
  stop(): Promise<number>
}

/** A worker as the primary knows it. */
class Member {
  readonly worker: Worker

  constructor(worker: Worker) {
    this.worker = worker
  }

  ask(request: number): void {
    this.send({ push: 'metrics-asked', request })
  }

  /** `sent` runs when it may take more, also when it has ended. */
  send(order: Order, sent: () => void = () => undefined): void {
    // What a process is told that is gone has nobody to hear it.
    if (this.worker.isConnected()) this.worker.send(order, () => sent())
    else sent()
  }
}

/** Starts the workers and keeps them running. */
export function supervise({ workers, logger, ready, failed }: SupervisorOptions): Supervisor {
  // Each takes connections by itself: one that is handed from process to process is lost with the one that dies.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  const metrics = new MetricsOfWorkers<Member>()
  const exchange = new Exchange<Member>()
  const members = new Set<Member>()
  const serving = new Set<Member>()
  let started = false
  let stopping = false
  let shared: Ports | undefined
  const failing = (what: string) => (error: unknown) => logger.error({ err: error }, what)

  function spawn(): void {
    // A port that the first workers found free is the one that later workers serve too.
    const member = new Member(cluster.fork(portVariables(shared ?? {})))
    const { worker } = member
    members.add(member)
    exchange.join(member, (changes, sent) => member.send({ push: 'counts', changes }, sent))
    worker.on('message', (report: Report) => take(member, report))
    worker.on('exit', (code, signal) => gone(member, code, signal))
    worker.on('error', (error) => logger.warn({ worker: worker.id, err: error }, 'could not notify a worker'))
  }

  function take(member: Member, report: Report): void {
    if (report.push === 'ready') served(member, report.ports)
    else if (report.push === 'counts') exchange.tell(member, report.changes)
    else if (report.push === 'metrics') metrics.answered(member, report.request, report.metrics)
    else if (report.push === 'metrics-wanted') answerMetrics(member, report.request)
  }

  function served(member: Member, ports: Ports): void {
    serving.add(member)
    shared = ports
    if (started || serving.size < workers) return
    started = true
    ready(ports)
  }

  function gone(member: Member, code: number | null, signal: string | null): void {
    const { id } = member.worker
    members.delete(member)
    serving.delete(member)
    exchange.leave(member)
    metrics.ended(member).catch(failing('lost the metrics of a worker that ended'))
    if (stopping) return
    if (!started) {
      logger.fatal({ worker: id, code, signal }, 'could not start a worker')
      stopping = true
      const end = () => failed(code === null || code === 0 ? 1 : code)
      stopAll([...members]).then(end, end)
      return
    }
    logger.error({ worker: id, code, signal }, 'worker exited, starting another one')
    setTimeout(() => stopping || spawn(), RESPAWN_MS)
  }

  /** Who asked answers with its own when it hears nothing. */
  function answerMetrics(member: Member, request: number): void {
    metrics
      .text([...serving])
      .then((text) => member.send({ push: 'metrics-text', request, text }))
      .catch(failing('could not collect the metrics of the workers'))
  }

  for (let n = 0; n < workers; n++) spawn()
  return {
    async stop() {
      stopping = true
      return await stopAll([...members])
    },
  }
}

/** Passes a signal on to every worker. */
export function signalWorkers(signal: NodeJS.Signals): void {
  for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill(signal)
}

/** 0 when every worker ended as it should. */
async function stopAll(members: readonly Member[]): Promise<number> {
  const ends = members.map(async ({ worker }) => {
    if (worker.isDead()) return 0
    const exited = once(worker, 'exit') as Promise<[code: number | null, signal: NodeJS.Signals | null]>
    worker.process.kill('SIGTERM')
    const late = setTimeout(() => worker.process.kill('SIGKILL'), STOP_MS)
    const [code, signal] = await exited
    clearTimeout(late)
    // One that has only begun to start does not know yet that it has nothing to close.
    return signal === 'SIGTERM' || code === exitCodeOf('SIGTERM') ? 0 : (code ?? 1)
  })
  return Math.max(0, ...(await Promise.all(ends)))
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

/** What a worker has of its supervisor. */
export interface Membership extends Omit<ReturnType<typeof createTally>, 'heard'> {
  /** The metrics of all workers together, for the one that was asked. */
  metricsText(registry: Registry): () => Promise<string>
  /** This worker serves. */
  ready(ports: Ports): void
}

export function joinSupervisor(workers: number): Membership {
  const report = (message: Report, sent: () => void = () => undefined) => {
    if (process.connected) process.send?.(message, undefined, {}, () => sent())
    else sent()
  }
  const { heard, ...counts } = createTally((changes, sent) => report({ push: 'counts', changes }, sent))
  const waiting = new Map<number, (text: string) => void>()
  let registry: Registry | undefined
  let requests = 0

  /** Who gathers them does without when there is no answer. */
  function answerMetrics(request: number): void {
    registry
      ?.getMetricsAsJSON()
      .then((metrics) => report({ push: 'metrics', request, metrics }))
      .catch(() => undefined)
  }

  process.on('message', (order: Order) => {
    if (order.push === 'counts') heard(order.changes)
    else if (order.push === 'metrics-asked') answerMetrics(order.request)
    else if (order.push === 'metrics-text') waiting.get(order.request)?.(order.text)
  })

  return {
    ...counts,
    ready: (ports) => report({ push: 'ready', ports }),
    metricsText(own) {
      registry = own
      return () =>
        new Promise((resolve) => {
          const request = ++requests
          const done = (text: string | Promise<string>) => {
            clearTimeout(timer)
            waiting.delete(request)
            resolve(text)
          }
          const timer = setTimeout(() => done(textOfOne(own, workers - 1)), METRICS_MS)
          waiting.set(request, done)
          report({ push: 'metrics-wanted', request })
        })
    },
  }
}
