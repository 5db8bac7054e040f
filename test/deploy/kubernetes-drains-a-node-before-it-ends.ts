// Do the manifests fit each other, keep privileges from the server, and give a node the time that it needs to end?
import { t } from '../support/tap.ts'
import { GRACE_MS } from '../../server/ending.ts'
import { deployment, kind, manifests, MANIFESTS, services, type DisruptionBudget } from './support/manifests.ts'

const VERSIONS: Readonly<Record<string, string>> = {
  ServiceAccount: 'v1',
  Service: 'v1',
  Deployment: 'apps/v1',
  PodDisruptionBudget: 'policy/v1',
}
const { spec } = deployment()
const { metadata, spec: pod } = spec.template
const [container] = pod.containers

t.test('kinds, versions and names', async (t) => {
  for (const {
    apiVersion,
    kind: each,
    metadata: { name },
  } of manifests()) {
    t.equal(apiVersion, VERSIONS[each], each)
    t.match(name, /^[a-z][a-z0-9-]{0,62}$/)
  }
  t.equal(kind(MANIFESTS, 'ServiceAccount').metadata.name, pod.serviceAccountName)
  const secret = kind('deploy/kubernetes/secret.example.yaml', 'Secret')
  t.same(container?.envFrom, [{ secretRef: { name: secret.metadata.name } }])
  t.same(
    container?.volumeMounts.map(({ name }) => name),
    pod.volumes.map(({ name }) => name),
  )
})

t.test('everything selects the pods', async (t) => {
  const budget = kind<DisruptionBudget>(MANIFESTS, 'PodDisruptionBudget')
  const selectors = [
    spec.selector.matchLabels,
    budget.spec.selector.matchLabels,
    ...services().map((each) => each.spec.selector),
  ]
  t.equal(selectors.length, 4)
  for (const selector of selectors) {
    t.not(Object.keys(selector).length, 0)
    t.match(metadata.labels, selector)
  }
  t.ok(budget.spec.maxUnavailable < spec.replicas, 'a node may be drained')
})

t.test('a rolling update drains', async (t) => {
  t.same(spec.strategy.rollingUpdate, { maxUnavailable: 0, maxSurge: 1 })
  t.same(container?.readinessProbe.httpGet, { path: '/readyz', port: 'http' })
  t.same(container?.livenessProbe.httpGet, { path: '/healthz', port: 'http' }, 'a Redis that is away restarts nobody')
  t.same(container?.startupProbe.httpGet, { path: '/healthz', port: 'http' })
  const [command, seconds] = container?.lifecycle.preStop.exec.command ?? []
  t.equal(command, 'sleep')
  t.ok(pod.terminationGracePeriodSeconds > Number(seconds) + GRACE_MS / 1000, 'it is not killed before it has ended')
})

t.test('the server has no more than it needs', async (t) => {
  t.equal(pod.enableServiceLinks, false, 'PUSH_MQTT_PORT is not the variable of a service')
  t.match(pod.securityContext, { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } })
  t.same(container?.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  })
})
