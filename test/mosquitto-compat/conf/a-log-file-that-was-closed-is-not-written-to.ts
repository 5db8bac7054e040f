// Does a log file whose disk took nothing leave alone whatever has its number after it was closed?
import { closeSync, existsSync, openSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../../support/tap.ts'
import { eventually, temporaryFolder } from '../../support/index.ts'
import { LogFile } from '../../../server/mosquitto/log.ts'

const FULL = '/dev/full'

await t.test('a log file on a full disk', { skip: !existsSync(FULL) && 'there is no /dev/full' }, async (t) => {
  const file = new LogFile(FULL, 1024)
  const number = numberOf(FULL)
  file.destination.write('before\n')
  await file.destination.flush(100)
  file.close()
  await eventually('it is closed', () => !isOpenAs(number, FULL))
  const path = join(temporaryFolder(t, 'log-file'), 'other')
  const others: number[] = []
  do others.push(openSync(path, 'a'))
  while (!others.includes(number))
  // What waited is tried again.
  await file.destination.flush(5_000)
  t.equal(readFileSync(path, 'utf8'), '')
  file.destination.write('after\n')
  file.destination.flushNow()
  t.equal(readFileSync(path, 'utf8'), '')
  t.ok(isOpenAs(number, path), 'and it is not closed twice')
  for (const each of others) closeSync(each)
})

function numberOf(path: string): number {
  for (let number = 3; number < 1024; number++) if (isOpenAs(number, path)) return number
  throw new Error('it is not open')
}

function isOpenAs(number: number, path: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${number}`) === path
  } catch {
    return false
  }
}
