-- Runs the steps, writes what they changed, tells other nodes, and keeps the results for a repetition.
local PART = {
  register = 'registry', revoke = 'registry', lookup = 'registry', inspect = 'registry', restore = 'registry', page = 'registry',
  note_device = 'accounts', account_devices = 'accounts', forget_devices = 'accounts',
  append = 'private', read = 'private', retained = 'private', commit = 'private', follow = 'private',
  append_web_push = 'web_push',
  message_status = 'following', broadcast_status = 'following', recall = 'following', recall_broadcast = 'following',
  count_broadcasts = 'following', tell_private = 'following', tell_broadcast = 'following',
  open = 'session', save = 'session', close = 'session', check = 'session',
  open_named = 'named', save_named = 'named', close_named = 'named', check_named = 'named', remember = 'named',
  release = 'named', subscribe = 'named', subscriptions_ended = 'named_ends', look_named = 'named_ends',
  close_dead = 'named_ends',
  take_will = 'wills', will_published = 'wills', beat = 'nodes', forget_nodes = 'nodes', count_nodes = 'nodes', tell = 'nodes',
  append_sessions = 'session_logs', forget_uid = 'session_logs', read_session = 'session_logs',
  commit_session = 'session_logs',
  change_subscriptions = 'subscriptions', end_subscriptions = 'subscriptions', subscriptions_end = 'subscriptions',
  read_subscriptions = 'subscriptions', subscriptions = 'subscriptions', subscriptions_of = 'subscriptions',
  publish = 'broadcast', read_broadcast = 'broadcast', last_broadcast = 'broadcast', retained_index = 'broadcast',
  retained_entry = 'broadcast', sweep = 'sweep', sweep_broadcast = 'sweep', sweep_subscriptions = 'sweep', sweep_table = 'sweep',
  open_reader = 'readers', close_reader = 'readers', move_reader = 'readers', listen = 'readers',
  upstream = 'upstream', release_upstream = 'upstream', read_upstream = 'upstream', read_unread = 'upstream', events = 'upstream', group = 'upstream',
  assign = 'upstream', forget_assigned = 'upstream',
  claim = 'claims', settle = 'claims', renew_claims = 'claims', release_claims = 'claims',
  retainers = 'retaining', upstream_retained = 'retaining', restore_retained = 'retaining',
  write_row = 'tables', read_row = 'tables', read_rows = 'tables', table_end = 'tables', read_changes = 'tables',
  readers_of = 'inventory', named_sessions = 'inventory', count_wakes = 'wakes',
}
-- Steps that change nothing: they are not kept in the journal, and run again when a batch is repeated.
local READS = {
  lookup = true, inspect = true, count_nodes = true, page = true, account_devices = true, read = true, retained = true, read_broadcast = true, last_broadcast = true,
  retained_index = true, retained_entry = true, read_upstream = true, read_unread = true, retainers = true, upstream_retained = true,
  read_session = true, subscriptions_end = true, read_subscriptions = true, subscriptions = true, subscriptions_of = true,
  read_row = true, read_rows = true, table_end = true, read_changes = true,
  readers_of = true, named_sessions = true, message_status = true, broadcast_status = true, count_wakes = true,
}
-- Steps that change something and answer with much: the journal keeps less of the result, from which they make it again.
local AGAIN = { claim = 'claim_again' }
-- Steps that store what was not there. A row of a table may be one that takes something away (tables.lua).
local STORES = {
  append = true, append_web_push = true, publish = true, restore = true, upstream = true, events = true, group = true, assign = true, append_sessions = true,
  change_subscriptions = true, restore_retained = true,
}
local results, kept, all_kept = {}, {}, true
for i = 2, #batch do
  local step = batch[i]
  local name = step[1]
  local result, less = replayed and replayed[i - 1], nil
  if not result and FULL and STORES[name] then
    result = 'FULL'
  elseif not result then
    result, less = need(PART[name])[name](step)
  elseif AGAIN[name] then
    result = need(PART[name])[AGAIN[name]](step, result)
  end
  results[i - 1] = result
  if CHANGES and READS[name] then
    kept[i - 1], all_kept = false, false
  elseif less then
    kept[i - 1], all_kept = less, false
  else
    kept[i - 1] = result
  end
end

-- A key that is cleared while it is gone through may be.
for key in pairs(unwritten) do needed.log.write(key) end
for _, record in pairs(records) do
  if record and record.dirty then needed.token.store(record) end
end
if needed.named then needed.named.write() end
if needed.subscriptions then needed.subscriptions.write() end
for _, record in pairs(upstreams) do
  if record.dirty then needed.readers.store(record) end
end
for _, record in pairs(apps) do
  if record.dirty then needed.broadcast.store(record) end
end
for node, events in pairs(wakes) do
  if node ~= '' then needed.wakes.number(node, events) end
  -- A wake is a hint: when it is forbidden, what was written stays written.
  redis.pcall('PUBLISH', CHANNELS .. node, pack(events))
end

results[#batch] = LIFE
if replayed then
  results[#batch + 1] = replayed[#batch + 1]
elseif tallies then
  local told = {}
  for destination, tally in pairs(tallies) do
    for as, count in pairs(tally) do
      told[#told + 1] = destination
      told[#told + 1] = as
      told[#told + 1] = count
    end
  end
  results[#batch + 1] = told
  kept[#batch], kept[#batch + 1] = LIFE, told
end
local reply = pack(results)
if CHANGES and not replayed then
  local saved = pack(SEQUENCE, NOW) .. (all_kept and reply or pack(kept))
  if journal.run then
    call('HSET', KEYS[1], 'run', journal.run, PROCESS, saved)
  else
    call('HSET', KEYS[1], PROCESS, saved)
  end
end
return reply
