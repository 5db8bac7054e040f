/** Who may open the console. */
import type { IncomingMessage } from 'node:http'
import { plainAddress } from '../../common/networks.ts'
import { isLoopback, nameIn } from '../host-check.ts'

/** `local`: only for a browser on this machine that no proxy stands before. */
export const CONSOLE_MODES = ['off', 'local', 'on'] as const
export type ConsoleMode = (typeof CONSOLE_MODES)[number]

/** A proxy was there: whoever it speaks for may be anywhere. */
const FORWARDING = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-server',
  'x-real-ip',
  'via',
  'cf-connecting-ip',
  'true-client-ip',
] as const

type Head = Pick<IncomingMessage, 'headers' | 'socket'>

export function isAvailable(mode: ConsoleMode, { headers, socket }: Head): boolean {
  if (mode !== 'local') return mode === 'on'
  const { host } = headers
  if (host === undefined || !isLoopback(nameIn(host))) return false
  if (!isLoopback(plainAddress(socket.remoteAddress ?? ''))) return false
  return FORWARDING.every((name) => headers[name] === undefined)
}
