/** What a work is: something to measure, in cases, that gives figures. */
import type { Contender, Target } from '../contenders/index.ts'
import type { Sizes } from '../run/options.ts'

export interface Figure {
  readonly name: string
  readonly unit: string
  /** Shown as a ratio to the baseline as well. */
  readonly compared?: boolean
  readonly about: string
}

export interface WorkContext {
  readonly contender: Contender
  readonly target: Target
  readonly sizes: Sizes
  /** Whether this case was asked for. */
  wants(inCase: string): boolean
  /** @param figure the name of one of the work's figures */
  record(figure: string, value: number, inCase?: string): void
  /** What a reader must know to read the figures, such as that there were fewer of something; a sentence. */
  note(text: string): void
}

export interface Work {
  readonly name: string
  readonly title: string
  /** What is done and what is counted; a paragraph for the report. */
  about(sizes: Sizes): string
  readonly figures: readonly Figure[]
  /** At most so many rounds, where one takes long. */
  readonly rounds?: number
  /** Given up after so many minutes; 20 when not given. */
  minutes?(sizes: Sizes): number
  fits(contender: Contender): boolean
  run(context: WorkContext): Promise<void>
}
