/**
 * Text that somebody else wrote: names, ids, payloads. It is text and nothing else, it cannot turn the text around it, and
 * what cannot be seen in it is shown.
 */
import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Payload as PayloadFields } from '../api/types.ts'

/** Controls, marks that change the direction, and lone surrogates; not line ends and tabs, nor what joins two emoji. */
const UNSEEN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u
const JOINER = /(?<=\p{Extended_Pictographic}\ufe0f?)\u200d/u

/** Shown at first. */
const SHORT = 300

export function Plain({ children, wraps = false }: { readonly children: string; readonly wraps?: boolean }) {
  return <bdi class={wraps ? 'plain wraps' : 'plain'}>{visible(children)}</bdi>
}

function visible(text: string): ComponentChildren {
  const parts: (string | JSX.Element)[] = []
  let plain = ''
  let before = ''
  for (const character of text) {
    if (!UNSEEN.test(character) || JOINER.test(before + character)) plain += character
    else {
      const code = character.codePointAt(0) ?? 0
      const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
      parts.push(
        plain,
        <span class="unseen" key={parts.length}>
          {name}
        </span>,
      )
      plain = ''
    }
    before = character
  }
  return [...parts, plain]
}

/** The first of it; the rest where somebody asks for it. */
export function LongText({ text, what }: { readonly text: string; readonly what: string }) {
  const [isWhole, setIsWhole] = useState(false)
  const isLong = text.length > SHORT
  return (
    <div class="long-text">
      <Plain wraps>{isLong && !isWhole ? `${Array.from(text.slice(0, SHORT)).slice(0, -1).join('')}…` : text}</Plain>
      {isLong && (
        <button type="button" class="link" aria-expanded={isWhole} onClick={() => setIsWhole(!isWhole)}>
          {isWhole ? 'Show less' : `Show all ${text.length.toLocaleString('en')} characters`}
          <span class="sr-only"> of {what}</span>
        </button>
      )}
    </div>
  )
}

export function Payload({ of: { payload, payloadBase64 }, what }: { of: PayloadFields; what: string }) {
  if (payload === '') return <span class="muted">empty</span>
  if (payload !== undefined) return <LongText text={payload} what={what} />
  if (payloadBase64 === undefined) return <span class="muted">none</span>
  return (
    <div>
      <span class="tag">base64</span> <LongText text={payloadBase64} what={what} />
    </div>
  )
}
