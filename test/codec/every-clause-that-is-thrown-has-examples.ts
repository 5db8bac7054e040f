// Does every clause that the decoder names in a violation have an accepted and a refused example?
import { readdirSync, readFileSync } from 'node:fs'
import { t } from '../support/tap.ts'
import { CLAUSE_TABLES } from './support/clauses/index.ts'
import { join } from 'node:path'
import { ROOT } from '../support/root.ts'

const SOURCES = join(ROOT, 'broker', 'codec')
/** Shown in the test of every property in every packet. */
const BY_MATRIX = new Set([
  '2.2.2.1',
  '2.2.2.2',
  '3.1.2.11',
  '3.1.3.2',
  '3.3.2.3',
  '3.4.2.2',
  '3.8.2.1',
  '3.10.2.1',
  '3.14.2.2',
  '3.15.2.2',
])

const thrown = new Set<string>()
for (const file of readdirSync(SOURCES)) {
  const source = readFileSync(join(SOURCES, file), 'utf8')
  for (const [, clause] of source.matchAll(/'(MQTT-[\d.-]+|\d(?:\.\d+)+)'/g))
    if (clause !== undefined) thrown.add(clause)
}

const shown = new Set<string>()
for (const { clause, refuses } of Object.values(CLAUSE_TABLES).flat()) {
  for (const refused of refuses) shown.add(refused.clause ?? clause)
}

t.ok(thrown.size > 40, 'the sources were found')
for (const clause of thrown) t.ok(shown.has(clause) || BY_MATRIX.has(clause), clause)
