// Where an attached broker says nothing of what it is to retain, does what comes behind it wait once, and not once each?
import { t } from '../support/tap.ts'
import { eventually } from '../support/index.ts'
import { TellTurns } from '../../broker/aedes/tell-turns.ts'
import { general } from './support/router.ts'

const turns = new TellTurns(100)
const told: string[] = []
const take = (text: string, retain: boolean): object => {
  const packet = {}
  turns.take(general('a', text, { retain }), packet, () => told.push(text))
  return packet
}

const first = take('1', true)
take('2', true)
take('3', true)
take('4', false)
t.same(told, ['1'])
await eventually('what waits is told', () => told.length > 1)
t.same(told, ['1', '2', '3', '4'], 'in their order')
const fifth = take('5', true)
take('6', false)
turns.emitted(first)
t.same(told, ['1', '2', '3', '4', '5'])
turns.emitted(fifth)
t.same(told, ['1', '2', '3', '4', '5', '6'])
