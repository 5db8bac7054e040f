/** A message to a token, an account or a version of an app, and what happens to it. */
import { useState } from 'preact/hooks'
import { call, part } from '../api/client.ts'
import type { MessageStates, SendTo, Sent } from '../api/types.ts'
import { Card, Confirm, Empty, Failure, Notice, State, Time } from '../parts/basics.tsx'
import { Fact, Facts } from '../parts/facts.tsx'
import { Check, Choice, Field, Form } from '../parts/form.tsx'
import { Plain } from '../parts/plain.tsx'
import { Table } from '../parts/table.tsx'
import { useAction } from '../state/call.ts'
import { useMay } from '../state/context.ts'
import { tokenIdIn } from '../state/token-id.ts'

type Kind = 'token' | 'account' | 'versions'
type Content = 'text' | 'json' | 'base64'

interface Draft {
  readonly kind: Kind
  readonly token: string
  readonly app: string
  readonly account: string
  readonly versions: string
  readonly content: Content
  readonly payload: string
  readonly ttl: string
  readonly id: string
  readonly collapseKey: string
  readonly retain: boolean
  readonly receipt: boolean
  readonly dryRun: boolean
}

const EMPTY: Draft = {
  kind: 'token',
  token: '',
  app: '',
  account: '',
  versions: '*',
  content: 'text',
  payload: '',
  ttl: '',
  id: '',
  collapseKey: '',
  retain: false,
  receipt: false,
  dryRun: false,
}

interface SentMessage {
  readonly to: SendTo
  readonly answer: Sent
}

export function Send({ rest: [token = ''] }: { readonly rest: readonly string[] }) {
  const [draft, setDraft] = useState<Draft>({ ...EMPTY, token })
  const [sending, send] = useAction(async (): Promise<SentMessage> => {
    const to = receiverOf(draft)
    return { to, answer: await call<Sent>('POST', 'messages', { body: { to, ...bodyOf(draft) } }) }
  })
  return (
    <div class="columns">
      <Card title="Message">
        <DraftForm
          draft={draft}
          change={(more) => setDraft({ ...draft, ...more })}
          isBusy={sending.isBusy}
          send={send}
        />
      </Card>
      <Card title="Answer">
        <Failure error={sending.error} />
        {sending.value === undefined && sending.error === undefined && (
          <Empty title="Nothing sent yet">
            The answer comes when the message is stored, for every receiver that is not rejected.
          </Empty>
        )}
        {sending.value !== undefined && <SentView sent={sending.value} key={sending.value.answer.id} />}
      </Card>
    </div>
  )
}

interface DraftFormProps {
  readonly draft: Draft
  readonly change: (more: Partial<Draft>) => void
  readonly isBusy: boolean
  readonly send: () => void
}

function DraftForm({ draft, change, isBusy, send }: DraftFormProps) {
  return (
    <Form label="Send a message" submit={send}>
      <Receiver draft={draft} change={change} />
      <Choice
        label="Payload is"
        value={draft.content}
        set={(content) => change({ content })}
        options={[
          ['text', 'Text'],
          ['json', 'JSON'],
          ['base64', 'Base64'],
        ]}
      />
      <Field label="Payload" value={draft.payload} set={(payload) => change({ payload })} rows={5} />
      <details>
        <summary>Options</summary>
        <div class="grid-2">
          <Field
            label="Time to live"
            value={draft.ttl}
            set={(ttl) => change({ ttl })}
            type="number"
            hint="Seconds; 0 is now or never."
          />
          <Field label="Id" value={draft.id} set={(id) => change({ id })} hint="The same id again is stored once." />
          <Field
            label="Collapse key"
            value={draft.collapseKey}
            set={(collapseKey) => change({ collapseKey })}
            hint="Replaces a pending message with the same key."
          />
        </div>
      </details>
      <div class="row wrap">
        <Check
          label="Receipt"
          isOn={draft.receipt && draft.kind !== 'versions'}
          isDisabled={draft.kind === 'versions'}
          set={(receipt) => change({ receipt })}
        />
        <Check label="Retain" isOn={draft.retain} set={(retain) => change({ retain })} />
        <Check label="Dry run: check, store nothing" isOn={draft.dryRun} set={(dryRun) => change({ dryRun })} />
      </div>
      <div class="row end">
        <button type="submit" class="primary" disabled={isBusy}>
          {draft.dryRun ? 'Check' : 'Send'}
        </button>
      </div>
    </Form>
  )
}

function Receiver({ draft, change }: Pick<DraftFormProps, 'draft' | 'change'>) {
  const app = <Field label="App" value={draft.app} set={(value) => change({ app: value })} isRequired />
  return (
    <>
      <Choice
        label="To"
        value={draft.kind}
        set={(kind) => change({ kind })}
        options={[
          ['token', 'One token'],
          ['account', 'An account'],
          ['versions', 'An app'],
        ]}
      />
      {draft.kind === 'token' && (
        <Field label="Token id, or message token" value={draft.token} set={(token) => change({ token })} isRequired />
      )}
      {draft.kind === 'account' && (
        <div class="grid-2">
          {app}
          <Field label="Account" value={draft.account} set={(account) => change({ account })} isRequired />
        </div>
      )}
      {draft.kind === 'versions' && (
        <div class="grid-2">
          {app}
          <Field
            label="Versions"
            value={draft.versions}
            set={(versions) => change({ versions })}
            hint="A range such as >=2.1 <3, or * for all."
            isRequired
          />
        </div>
      )}
    </>
  )
}

function receiverOf({ kind, token, app, account, versions }: Draft): SendTo {
  if (kind === 'token') return { token: tokenIdIn(token) }
  return kind === 'account' ? { app, account } : { app, versions }
}

/** @throws Error when the payload is no JSON */
function bodyOf({ kind, content, payload, ttl, id, collapseKey, retain, receipt, dryRun }: Draft) {
  return {
    ...(content === 'base64'
      ? { payloadBase64: payload }
      : { payload: content === 'json' ? fromJson(payload) : payload }),
    ...(ttl === '' ? {} : { ttl: Number(ttl) }),
    ...(id === '' ? {} : { id }),
    ...(collapseKey === '' ? {} : { collapseKey }),
    ...(retain ? { retain } : {}),
    ...(receipt && kind !== 'versions' ? { receipt } : {}),
    ...(dryRun ? { dryRun } : {}),
  }
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('The payload is not JSON. Choose Text to send it as it is.')
  }
}

function SentView({ sent: { to, answer } }: { readonly sent: SentMessage }) {
  const { id, accepted, rejected, expiresAt, duplicate = false, dryRun = false } = answer
  const what = dryRun ? 'would be accepted' : duplicate ? 'had it already' : 'accepted'
  return (
    <>
      <Notice kind={rejected.length === 0 ? 'good' : 'warn'}>
        <strong>
          {accepted} {what}
        </strong>
        {rejected.length > 0 && `, ${rejected.length} rejected`}
      </Notice>
      <Facts>
        <Fact label="Id" isMono>
          <Plain>{id}</Plain>
        </Fact>
        {expiresAt !== undefined && (
          <Fact label="Expires">
            <Time at={expiresAt} />
          </Fact>
        )}
      </Facts>
      {rejected.length > 0 && (
        <Table label="Rejected" columns={['Receiver', 'Why']}>
          {rejected.map(({ token, code }) => (
            <tr key={token}>
              <td class="mono">
                <Plain>{token}</Plain>
              </td>
              <td>
                <code>{code}</code>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {!dryRun && accepted > 0 && <Follow id={id} to={to} />}
    </>
  )
}

/** A broadcast is followed by its app alone. */
function Follow({ id, to }: { readonly id: string; readonly to: SendTo }) {
  const may = useMay()
  const target = to.versions === undefined ? to : { app: to.app }
  const body = { to: target }
  const [looking, look] = useAction(() => call<MessageStates>('POST', `messages/${part(id)}/status`, { body }))
  const [recalling, recall] = useAction(() => call<MessageStates>('POST', `messages/${part(id)}/recall`, { body }))
  return (
    <>
      <div class="row">
        {may('messages:read') && (
          <button type="button" disabled={looking.isBusy} onClick={look}>
            Status
          </button>
        )}
        <Confirm label="Recall" title="Take this message back?" isBusy={recalling.isBusy} confirm={recall}>
          <p>It is not sent any more. A device that has it keeps it.</p>
        </Confirm>
      </div>
      <Failure error={looking.error ?? recalling.error} />
      {recalling.value !== undefined && <States label="Recalled" of={recalling.value} />}
      {looking.value !== undefined && <States label="Status" of={looking.value} />}
    </>
  )
}

function States({ label, of: { states, rejected } }: { readonly label: string; readonly of: MessageStates }) {
  return (
    <Table label={label} columns={['Receiver', label, 'More']}>
      {states.map(({ token, app, state, mayHaveBeenSeen, acknowledged, sent }) => (
        <tr key={token ?? app}>
          <td class="mono">
            <Plain>{token ?? app ?? ''}</Plain>
          </td>
          <td>
            <State of={state} />
          </td>
          <td>
            {acknowledged !== undefined && `acknowledged by ${acknowledged}, sent to ${sent ?? 0} `}
            {mayHaveBeenSeen !== undefined && (mayHaveBeenSeen ? 'may have been seen' : 'seen by nobody')}
          </td>
        </tr>
      ))}
      {rejected.map(({ token, code }) => (
        <tr key={token}>
          <td class="mono">
            <Plain>{token}</Plain>
          </td>
          <td>
            <code>{code}</code>
          </td>
          <td />
        </tr>
      ))}
    </Table>
  )
}
