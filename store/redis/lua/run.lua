-- Begins a batch, runs its steps, writes what they changed, tells other nodes, and keeps the results for a repetition.
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
  follow_subscriptions = 'subscriptions', read_subscriptions = 'subscriptions', subscriptions = 'subscriptions', subscriptions_of = 'subscriptions',
  publish = 'broadcast', read_broadcast = 'broadcast', last_broadcast = 'broadcast', retained_index = 'broadcast',
  retained_entry = 'broadcast', sweep = 'sweep', sweep_broadcast = 'sweep', sweep_subscriptions = 'sweep', sweep_table = 'sweep',
  open_reader = 'readers', close_reader = 'readers', move_reader = 'readers', listen = 'readers',
  upstream = 'upstream', release_upstream = 'upstream', read_upstream = 'upstream', read_unread = 'upstream', events = 'upstream', group = 'upstream',
  assign = 'claims', forget_assigned = 'claims',
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
  change_subscriptions = true, follow_subscriptions = true, restore_retained = true,
}
-- What does not change in the batches of a process, by its text.
local known_processes, how_many = {}, 0

local function process_of(text)
  local known = known_processes[text]
  if known then return known end
  if how_many == 256 then known_processes, how_many = {}, 0 end
  local values = unpack_packed(text)
  known = {
    process = values[1], node = values[2], channels = values[3],
    limit = {
      private_messages = values[4], private_bytes = values[5], broadcast_messages = values[6], broadcast_bytes = values[7],
      retained_broadcasts = values[8], dedupe_ms = values[9],
      upstream_messages = values[10], upstream_bytes = values[11], share_messages = values[12], share_bytes = values[13],
      upstream_retained = values[14], event_messages = values[15], event_bytes = values[16],
      stored_messages = values[17], stored_bytes = values[18], device_hold = values[19], late_ack = values[20],
      web_push_messages = values[21],
    },
  }
  known_processes[text], how_many = known, how_many + 1
  return known
end

-- RUN and LIFE, from what the journal says. Returns what it has to say from now on; nil: what it says.
local function find_run(said)
  local known_save, known_run, known_life
  RUN, LIFE = 0, 0
  if said and said ~= '' then
    known_save, known_run, known_life = unpack_packed(said)
    LIFE = known_life or 0
  end
  if not CHANGES then return nil end
  local saved = redis.pcall('LASTSAVE')
  saved = type(saved) == 'number' and saved or 0
  if saved > 0 and saved == known_save and not VERIFY then
    RUN = known_run
  else
    local info = redis.pcall('INFO', 'server')
    local id = type(info) == 'string' and string.match(info, 'run_id:(%x%x%x%x%x%x%x%x)')
    RUN = id and tonumber(id, 16) or 0
  end
  if LIFE == 0 then
    LIFE = ticks()
  elseif RUN ~= known_run then
    LIFE = LIFE + 1
  end
  if saved == known_save and LIFE == known_life then return nil end
  return pack(saved, RUN, LIFE)
end

-- The results of the steps, as they are, and as the journal keeps them.
local function run_steps(batch, replayed)
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
  return results, kept, all_kept
end

local function write_all()
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
end

local function told_tallies()
  local told = {}
  for destination, tally in pairs(tallies) do
    for as, count in pairs(tally) do
      told[#told + 1] = destination
      told[#told + 1] = as
      told[#told + 1] = count
    end
  end
  return told
end

local function run(keys, arguments)
  call, pack, unpack_packed = redis.call, cmsgpack.pack, cmsgpack.unpack
  for i = 1, #beginnings do beginnings[i]() end
  local batch, process = unpack_packed(arguments[1]), process_of(arguments[2])
  JOURNAL, PROCESS, NODE, CHANNELS, LIMIT = keys[1], process.process, process.node, process.channels, process.limit
  SEQUENCE, NOW, CHANGES, VERIFY, ROOM = unpack(batch[1])
  local journal = call('HMGET', JOURNAL, 'run', PROCESS)

  local replayed
  if CHANGES and journal[2] then
    local offset, sequence = cmsgpack.unpack_one(journal[2])
    if sequence > SEQUENCE then return pack('STALE') end
    if sequence == SEQUENCE then
      local saved_at
      offset, saved_at = cmsgpack.unpack_one(journal[2], offset)
      offset, replayed = cmsgpack.unpack_one(journal[2], offset)
    end
  end

  FULL = ROOM == 2
  if ROOM == 1 then call('HSETNX', JOURNAL, 'run', journal[1] or '') end
  if FULL then call('HDEL', JOURNAL, '') end

  local said = find_run(journal[1])
  local results, kept, all_kept = run_steps(batch, replayed)
  write_all()

  results[#batch] = LIFE
  if replayed then
    results[#batch + 1] = replayed[#batch + 1]
  elseif tallies then
    local told = told_tallies()
    results[#batch + 1] = told
    kept[#batch], kept[#batch + 1] = LIFE, told
  end
  local reply = pack(results)
  if CHANGES and not replayed then
    local saved = pack(SEQUENCE, NOW) .. (all_kept and reply or pack(kept))
    if said then
      call('HSET', JOURNAL, 'run', said, PROCESS, saved)
    else
      call('HSET', JOURNAL, PROCESS, saved)
    end
  end
  return reply
end
