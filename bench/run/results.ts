/** What was measured, as it is kept in the JSON file. */
import { cpus, release, totalmem, type } from 'node:os'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Sizes } from './options.ts'
import { findProgram } from './processes.ts'
import { median } from './statistics.ts'

export interface Sample {
  readonly work: string
  /** The case of the work, such as a number of devices; empty when it has only one. */
  readonly case: string
  readonly contender: string
  readonly figure: string
  readonly round: number
  readonly value: number
}

/** A contender that could not do a work; it says why. */
export interface Failure {
  readonly work: string
  readonly contender: string
  readonly round: number
  readonly reason: string
}

/** What a work could not do as it is described. */
export interface Note {
  readonly work: string
  readonly contender: string
  readonly text: string
}

interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memory: number
  readonly system: string
  readonly node: string
  /** What each program says of itself. */
  readonly programs: Readonly<Record<string, string>>
}

export interface Results {
  readonly at: string
  readonly rounds: number
  readonly quick: boolean
  readonly sizes: Sizes
  readonly machine: Machine
  /** Contenders that were not measured, and why. */
  readonly leftOut: Readonly<Record<string, string>>
  readonly samples: readonly Sample[]
  readonly failures: readonly Failure[]
  /** Results of earlier versions have none. */
  readonly notes?: readonly Note[]
}

export function describeMachine(): Machine {
  const [first] = cpus()
  const versions = { 'redis-server': ['--version'], mosquitto: ['-h'], 'nats-server': ['--version'] }
  const programs: Record<string, string> = {}
  for (const [name, args] of Object.entries(versions)) {
    const path = findProgram(name)
    if (path === undefined) continue
    const [line = ''] = spawnSync(path, args, { encoding: 'utf8' }).stdout.split('\n')
    programs[name] = /v?=?\d+\.\d+[.\d]*/.exec(line)?.[0]?.replace(/^[v=]+/, '') ?? line
  }
  return {
    cpu: first?.model ?? 'unknown',
    cores: cpus().length,
    memory: totalmem(),
    system: `${type()} ${release()}`,
    node: process.version,
    programs,
  }
}

/**
 * Several runs as one: works that take long may have a run of their own, and others more rounds.
 * @param files their names, with commas between them
 */
export function readResults(files: string): Results {
  const read = (file: string): Results => JSON.parse(readFileSync(file, 'utf8')) as Results
  const [first = files, ...others] = files.split(',')
  return others.map(read).reduce(
    (all, each) => ({
      ...all,
      quick: all.quick || each.quick,
      leftOut: { ...all.leftOut, ...each.leftOut },
      samples: [...all.samples, ...each.samples],
      failures: [...all.failures, ...each.failures],
      notes: [...(all.notes ?? []), ...(each.notes ?? [])],
    }),
    read(first),
  )
}

/** The most that any figure has. */
export function roundsOf({ samples }: Results): number {
  const counts = new Map<string, number>()
  for (const sample of samples) {
    const key = `${sample.work} ${sample.case} ${sample.contender} ${sample.figure}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return Math.max(0, ...counts.values())
}

/** The median over the rounds; undefined when it was not measured. */
export function medianOf({ samples }: Results, wanted: Omit<Sample, 'round' | 'value'>): number | undefined {
  const values = samples
    .filter(
      ({ work, case: inCase, contender, figure }) =>
        work === wanted.work && inCase === wanted.case && contender === wanted.contender && figure === wanted.figure,
    )
    .map(({ value }) => value)
  return values.length === 0 ? undefined : median(values)
}

/** The values of one field, each once, in the order in which they came. */
export function distinct(samples: readonly Sample[], field: 'work' | 'case' | 'contender' | 'figure'): string[] {
  return [...new Set(samples.map((sample) => sample[field]))]
}

/** Each once, whatever the number of rounds. */
export function notesOf({ notes = [] }: Results, { name }: { readonly name: string }): string[] {
  return [...new Set(notes.filter(({ work }) => work === name).map(({ contender, text }) => `${contender}: ${text}`))]
}
