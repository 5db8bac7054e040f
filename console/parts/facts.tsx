/** Names and what they are, side by side. */
import type { ComponentChildren } from 'preact'

interface FactsProps {
  readonly isWide?: boolean
  readonly children: ComponentChildren
}

export function Facts({ isWide = false, children }: FactsProps) {
  return <dl class={isWide ? 'facts wide' : 'facts'}>{children}</dl>
}

interface FactProps {
  readonly label: string
  /** An id, a topic: in the typeface of code. */
  readonly isMono?: boolean
  readonly children: ComponentChildren
}

export function Fact({ label, isMono = false, children }: FactProps) {
  return (
    <div>
      <dt>{label}</dt>
      <dd class={isMono ? 'mono' : undefined}>{children}</dd>
    </div>
  )
}
