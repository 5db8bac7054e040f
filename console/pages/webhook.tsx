/** One webhook: how it goes, what it is for, and what can be done with it. */
import { useState } from 'preact/hooks'
import { call, part } from '../api/client.ts'
import type { EnabledWebhook, FoundWebhook, MadeWebhook, Webhook, WebhookTest } from '../api/types.ts'
import { Card, Confirm, Failure, Lacking, Notice, Refresh, State, Time } from '../parts/basics.tsx'
import { Fact, Facts } from '../parts/facts.tsx'
import { Field, Form } from '../parts/form.tsx'
import { Plain } from '../parts/plain.tsx'
import { useAction, useLoad } from '../state/call.ts'
import { useMay } from '../state/context.ts'
import { linkTo } from '../state/route.ts'
import { EventTypes, KeepFor, NewSecret, Types, typesIn, Url } from './webhook-parts.tsx'

export function WebhookPage({ id }: { readonly id: string }) {
  const may = useMay()
  const path = `webhooks/${part(id)}`
  const [{ value: webhook, error, isBusy }, again] = useLoad(path, (signal) =>
    call<FoundWebhook>('GET', path, { signal }),
  )
  return (
    <>
      <p>
        <a href={linkTo('webhooks')}>All webhooks</a>
      </p>
      <Failure error={error} retry={again} />
      {webhook === undefined && error === undefined && <p class="muted">Loading…</p>}
      {webhook !== undefined && (
        <>
          <Known webhook={webhook} isBusy={isBusy} again={again} />
          <Operate webhook={webhook} done={again} />
          <Card title="Change">
            {may('events:read') ? (
              <Change webhook={webhook} done={again} />
            ) : (
              <Lacking scope="events:read" what="change webhooks" />
            )}
          </Card>
        </>
      )}
    </>
  )
}

interface KnownProps {
  readonly webhook: FoundWebhook
  readonly isBusy: boolean
  readonly again: () => void
}

const REASONS: Readonly<Record<string, string>> = {
  gone: 'Its receiver answered 410 Gone.',
  failing: 'The last attempt of three days failed.',
  asked: 'Somebody disabled it.',
  credentials:
    'The key behind it was removed, has ended, or may do less. Enabled again, it stands on the key that asks.',
}

function Known({ webhook, isBusy, again }: KnownProps) {
  const { id, app, url, types, keepFor, provider, createdAt, createdBy, state, previousUntil, delivery } = webhook
  return (
    <Card title="Webhook" aside={<Refresh again={again} isBusy={isBusy} />}>
      <p class="subject mono">
        <Plain wraps>{url}</Plain> <State of={state} />
      </p>
      <Disabled of={webhook} />
      <Facts isWide>
        <Fact label="App">
          <Plain>{app}</Plain>
        </Fact>
        <Fact label="Events">
          <EventTypes of={types} />
        </Fact>
        <Fact label="Kept for replays">{keepFor.toLocaleString('en')} s</Fact>
        <Fact label="Id" isMono>
          <Plain>{id}</Plain>
        </Fact>
        <Fact label="Provider">
          <Plain>{provider}</Plain>
        </Fact>
        <Fact label="Made">
          <Time at={createdAt} /> by <Plain>{createdBy}</Plain>
        </Fact>
        {previousUntil !== null && (
          <Fact label="Old secret ends">
            <Time at={previousUntil} />
          </Fact>
        )}
        <Fact label="Failed attempts">{delivery.attempts}</Fact>
        {delivery.nextAttemptAt !== null && (
          <Fact label="Next attempt">
            <Time at={delivery.nextAttemptAt} />
          </Fact>
        )}
        <Fact label="Last failure">
          <LastFailure of={delivery.lastFailure} />
        </Fact>
      </Facts>
    </Card>
  )
}

function Disabled({ of: { disabledAt, disabledBecause } }: { readonly of: Webhook }) {
  if (disabledBecause === null) return null
  return (
    <Notice kind="warn">
      <strong>
        Disabled <Time at={disabledAt} /> (<Plain>{disabledBecause}</Plain>).
      </strong>{' '}
      {REASONS[disabledBecause]}
    </Notice>
  )
}

function LastFailure({ of: failed }: { readonly of: FoundWebhook['delivery']['lastFailure'] }) {
  if (failed === null) return <span class="muted">none</span>
  return (
    <>
      {told(failed)} <Time at={failed.at} />
    </>
  )
}

function told({ failure, status }: { readonly failure: string | null; readonly status: number | null }): string {
  return status === null ? (failure ?? 'no answer') : `it answered ${status}`
}

interface OperateProps {
  readonly webhook: Webhook
  readonly done: () => void
}

/** Without a body all of them do what is meant as a rule. */
function Operate({ webhook: { id, url, state }, done }: OperateProps) {
  const path = `webhooks/${part(id)}`
  const [testing, test] = useAction(() => call<WebhookTest>('POST', `${path}/test`, { body: {} }))
  const [enabling, enable] = useAction(async () => {
    const enabled = await call<EnabledWebhook>('POST', `${path}/enable`, { body: {} })
    done()
    return enabled
  })
  const [disabling, disable] = useAction(async () => {
    await call('PATCH', path, { body: { enabled: false } })
    done()
  })
  const [rotating, rotate] = useAction(async () => {
    const made = await call<MadeWebhook>('POST', `${path}/rotate`, { body: {} })
    done()
    return made
  })
  const [removing, remove] = useAction(async () => {
    await call('DELETE', path)
    location.hash = linkTo('webhooks')
  })
  return (
    <Card title="Do">
      <div class="row wrap">
        <button type="button" disabled={testing.isBusy} onClick={test}>
          Test
        </button>
        {state === 'disabled' ? (
          <button type="button" class="primary" disabled={enabling.isBusy} onClick={enable}>
            Enable
          </button>
        ) : (
          <Confirm label="Disable" title="Disable this webhook?" isBusy={disabling.isBusy} confirm={disable}>
            <p>Its place in the events is kept for a week. Events that the log drops meanwhile are lost to it.</p>
          </Confirm>
        )}
        <Confirm label="Rotate secret" title="Replace the secret?" isCalm isBusy={rotating.isBusy} confirm={rotate}>
          <p>There is a new secret. For another day, calls are signed with both.</p>
        </Confirm>
        <Confirm label="Delete" title="Delete this webhook?" isBusy={removing.isBusy} confirm={remove}>
          <p>
            <Plain wraps>{url}</Plain> is called no more. What is under way may still arrive.
          </p>
        </Confirm>
      </div>
      <Failure error={testing.error ?? enabling.error ?? disabling.error ?? rotating.error ?? removing.error} />
      {testing.value !== undefined && <Tested test={testing.value} />}
      {enabling.value !== undefined && <Enabled webhook={enabling.value} />}
      {rotating.value !== undefined && <NewSecret made={rotating.value} />}
      <Replay path={path} done={done} />
    </Card>
  )
}

function Tested({ test }: { readonly test: WebhookTest }) {
  return (
    <Notice kind={test.delivered ? 'good' : 'warn'}>
      <strong>{test.delivered ? 'The test arrived' : 'The test did not arrive'}</strong>: {told(test)}.
    </Notice>
  )
}

function Enabled({ webhook: { dropped, goneBefore } }: { readonly webhook: EnabledWebhook }) {
  return (
    <Notice kind={dropped === 0 && goneBefore === null ? 'good' : 'warn'}>
      <strong>Enabled.</strong> It goes on where it was.{' '}
      {dropped === 0
        ? 'No event was dropped meanwhile.'
        : `${dropped.toLocaleString('en')} events were dropped meanwhile: the log was full.`}
      {goneBefore !== null && (
        <>
          {' '}
          What happened before <time dateTime={goneBefore}>{goneBefore}</time> is gone, uncounted.
        </>
      )}
    </Notice>
  )
}

function Replay({ path, done }: { readonly path: string; readonly done: () => void }) {
  const [cursor, setCursor] = useState('')
  const [replaying, replay] = useAction(async () => {
    await call('POST', `${path}/replay`, { body: cursor === '' ? {} : { cursor } })
    done()
    return 'asked'
  })
  return (
    <Form label="Replay" submit={replay}>
      <div class="row search">
        <Field
          label="Replay after cursor"
          value={cursor}
          set={setCursor}
          hint="The cursor of a batch that arrived. Empty: all that is kept."
        />
        <button type="submit" disabled={replaying.isBusy}>
          Replay
        </button>
      </div>
      <Failure error={replaying.error} />
      {replaying.value !== undefined && <Notice kind="good">The events are being sent again.</Notice>}
    </Form>
  )
}

function Change({ webhook, done }: OperateProps) {
  const [url, setUrl] = useState(webhook.url)
  const [types, setTypes] = useState(webhook.types?.join(', ') ?? '')
  const [keepFor, setKeepFor] = useState(String(webhook.keepFor))
  const [changing, change] = useAction(async () => {
    const body = { url, types: typesIn(types), ...(keepFor === '' ? {} : { keepFor: Number(keepFor) }) }
    // A webhook stands on the key that changed its URL or events last: those that stay are not sent.
    const changed = Object.entries(body).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(webhook[name as keyof typeof body]),
    )
    if (changed.length > 0) await call('PATCH', `webhooks/${part(webhook.id)}`, { body: Object.fromEntries(changed) })
    done()
    return changed.length > 0
  })
  return (
    <>
      <Form label="Change" submit={change}>
        <div class="grid-3">
          <Url value={url} set={setUrl} />
          <Types value={types} set={setTypes} />
          <KeepFor value={keepFor} set={setKeepFor} hint="Seconds; 0: not at all." />
        </div>
        <div class="row end">
          <button type="submit" class="primary" disabled={changing.isBusy}>
            Change
          </button>
        </div>
      </Form>
      <Failure error={changing.error} />
      {changing.value !== undefined && (
        <Notice kind="good">{changing.value ? 'Changed.' : 'Nothing is different.'}</Notice>
      )}
    </>
  )
}
