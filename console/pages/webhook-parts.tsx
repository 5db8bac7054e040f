/** What the list of webhooks and the page of one share. */
import type { MadeWebhook } from '../api/types.ts'
import { Notice, Secret } from '../parts/basics.tsx'
import { Field, listed } from '../parts/form.tsx'
import { Plain } from '../parts/plain.tsx'
import { useMay } from '../state/context.ts'

interface PartProps {
  readonly value: string
  readonly set: (value: string) => void
}

export function Url(props: PartProps) {
  return <Field label="URL" {...props} hint="https://, to a public address." isRequired />
}

export function Types(props: PartProps) {
  const may = useMay()
  const upstream = may('messages:read') ? 'upstream' : 'upstream (your key lacks messages:read)'
  return (
    <Field
      label="Events"
      {...props}
      placeholder="message.*, token.revoked"
      hint={`With commas. Empty: all but ${upstream}.`}
    />
  )
}

export function KeepFor({ hint, ...props }: PartProps & { readonly hint: string }) {
  return <Field label="Keep for replays" {...props} type="number" hint={hint} />
}

/** null: all but `upstream`. */
export function typesIn(text: string): readonly string[] | null {
  const types = listed(text)
  return types.length === 0 ? null : types
}

export function EventTypes({ of: types }: { readonly of: readonly string[] | null }) {
  if (types === null) return <>all but upstream</>
  return (
    <>
      {types.map((type) => (
        <span class="tag" key={type}>
          <Plain>{type}</Plain>
        </span>
      ))}
    </>
  )
}

export function NewSecret({ made: { url, secret } }: { readonly made: MadeWebhook }) {
  return (
    <>
      <Notice kind="good">
        The secret of <Plain wraps>{url}</Plain>, with which its receiver checks signatures. It is shown here only.
      </Notice>
      <Secret label="Secret of the webhook" text={secret} />
    </>
  )
}
