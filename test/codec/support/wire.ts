/**
 * Packets as bytes, readable: hex digits stand for themselves, `~` for the remaining length, `"text"` for text with its
 * two bytes of length, `'text'` for bare bytes, `( … )` for bytes with a Variable Byte Integer before them (a property
 * length), `*300` for the byte before, 300 times in all.
 *
 *     wire('30 ~ "topic" \'payload\'')  is  30 0e 0005 746f706963 7061796c6f6164
 */
import { Buffer } from 'node:buffer'

const TOKEN = /'[^']*'|"[^"]*"|[()~]|\*\d+|(?:[0-9a-f]{2})+|\S/gi

export function wire(notation: string): Buffer {
  const tokens: string[] = notation.match(TOKEN) ?? []
  const tilde = tokens.indexOf('~')
  if (tilde < 0) return bytesOf(tokens)
  const body = bytesOf(tokens.slice(tilde + 1))
  return Buffer.concat([bytesOf(tokens.slice(0, tilde)), variableByteInteger(body.length), body])
}

export function variableByteInteger(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  do {
    bytes.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest)
    rest >>>= 7
  } while (rest > 0)
  return Buffer.from(bytes)
}

function bytesOf(tokens: string[]): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] ?? ''
    if (token === '(') {
      const close = closing(tokens, at)
      const inner = bytesOf(tokens.slice(at + 1, close))
      parts.push(variableByteInteger(inner.length), inner)
      at = close
    } else if (token.startsWith('*')) {
      const last = parts.at(-1) ?? Buffer.alloc(0)
      parts.push(Buffer.alloc(Number(token.slice(1)) - 1, last.at(-1) ?? 0))
    } else {
      parts.push(one(token))
    }
  }
  return Buffer.concat(parts)
}

function closing(tokens: string[], open: number): number {
  let depth = 0
  for (let at = open; at < tokens.length; at++) {
    if (tokens[at] === '(') depth++
    if (tokens[at] === ')') depth--
    if (depth === 0) return at
  }
  throw new Error('a parenthesis is not closed')
}

function one(token: string): Buffer {
  if (token.startsWith("'")) return Buffer.from(token.slice(1, -1))
  if (token.startsWith('"')) {
    const text = Buffer.from(token.slice(1, -1))
    return Buffer.concat([Buffer.from([text.length >> 8, text.length & 0xff]), text])
  }
  if (!/^(?:[0-9a-f]{2})+$/i.test(token)) throw new Error(`no notation for bytes: ${token}`)
  return Buffer.from(token, 'hex')
}
