--[[
  Subscriptions of sessions that are known by a name, all under one hash tag (../keys.ts). The record (KEY.subscriptions):
  version, run, the highest offset that was given, the first one that is still there, whether all are. KEY.changes: hash of offset ->
  { version, name, epoch, replaces, { filter, options or false, ... } }. Where Redis may have lost the newest of them, the log
  is cut there, so that every node reads all again.

  What there is now: KEY.subscribers: hash of field (named.lua) -> { version, epoch of the last change, name or false,
  { filter, options, ... } }. Of a session that has many, they are in KEY.filters and the field instead, a hash of filter ->
  options, and here is false. KEY.endedSubscribers: hash of field -> epoch, until: the session of this epoch has ended, so
  that what changes its subscriptions late is refused.

  KEY.subscriptionLeases: hash of node -> until when it relies on its table, in ticks.

  change_subscriptions  base, field, name or false, epoch, replaces, again, filter, options or false, ...
                        -> SESSION_TAKEN_OVER or { offset, node, ms, ... }; again: no change where it is so already;
                        node: another one, which relies on its table for so long
  follow_subscriptions  base, ms, offset, node, ...      -> { last offset }: this node relies on its table for so long (0: as
                        before), and tells nodes up to where it has read
  end_subscriptions     base, field, name or false, epoch  -> { offset, or 0 where there was nothing }: of this epoch and below
  subscriptions_end     base                               -> { offset }
  read_subscriptions    base, after, most                  -> { } where the log was cut, or { read to, last, offset, change, ... }
  subscriptions         base, cursor, most                 -> { cursor to go on from ('0': at its end), { field, record, ... } }
  subscriptions_of      base, field                        -> { } or { record, { filter, options, ... } of one that has many }
]]
function parts.subscriptions()
  local log = need('log')
  local wake = need('wakes')
  local steps = {}
  local VERSION, MOST_CHANGES, ENDED_MS = 1, 10000, 600000
  local TOGETHER, MANY = 256, 32
  local LEASES_SECONDS, TICK_MS = 60, 0.064
  local record, told, leases
  each_batch(function() record, told, leases = nil, nil, nil end)

  local function of(base)
    if record then return record end
    record = { base = base, run = 0, last = 0, count = 0, first = 1, whole = true }
    local packed, _ = call('GET', base .. KEY.subscriptions), nil
    if packed then
      _, record.run, record.last, record.first, record.whole = unpack_packed(packed)
    end
    return record
  end

  local function write()
    if not record or not record.dirty then return end
    call('SET', record.base .. KEY.subscriptions, pack(VERSION, record.run, record.last, record.first, record.whole))
    record.dirty = false
  end

  local function text(offset) return string.format('%.0f', offset) end

  local function add(base, name, epoch, replaces, filters)
    local r = of(base)
    local before = r.last
    log.rebase(r)
    if r.last ~= before then
      call('UNLINK', base .. KEY.changes)
      r.first, r.whole = r.last + 1, before == 0
    end
    r.last, r.dirty = r.last + 1, true
    call('HSET', base .. KEY.changes, text(r.last), pack({ VERSION, name, epoch, replaces, filters }))
    if r.last - r.first >= MOST_CHANGES then
      call('HDEL', base .. KEY.changes, text(r.first))
      r.first, r.whole = r.first + 1, false
    end
    -- One for all changes of a batch.
    if told then
      told[2] = r.last
    else
      told = { 't', r.last, NODE }
      wake.tell('', told)
    end
    return r.last
  end

  local function subscriber_of(base, field)
    local packed = call('HGET', base .. KEY.subscribers, field)
    if not packed then return nil end
    local _, epoch, _, filters = unpack(unpack_packed(packed))
    return { epoch = epoch, filters = filters }
  end

  -- Up to here sessions of this name have ended.
  local function ended_epoch(base, field)
    local packed = call('HGET', base .. KEY.endedSubscribers, field)
    return packed and (unpack_packed(packed)) or 0
  end

  local function set_ended(base, field, epoch)
    epoch = math.max(epoch, ended_epoch(base, field))
    call('HSET', base .. KEY.endedSubscribers, field, pack(epoch, NOW + ENDED_MS))
  end

  -- filter -> options, of whichever form.
  local function filters_of(base, field, subscriber)
    local options = {}
    if not subscriber then return options end
    local flat = subscriber.filters or call('HGETALL', base .. KEY.filters .. field)
    for i = 1, #flat, 2 do options[flat[i]] = flat[i + 1] end
    return options
  end

  -- { offset, node, ms, ... }: of other nodes. What this one does in the same batch does not matter.
  local function followed(base, offset)
    leases = leases or call('HGETALL', base .. KEY.subscriptionLeases)
    local result = { offset }
    for i = 1, #leases, 2 do
      local node, left = leases[i], tonumber(leases[i + 1]) - ticks()
      if left <= 0 then
        call('HDEL', base .. KEY.subscriptionLeases, node)
      elseif node ~= NODE then
        result[#result + 1] = node
        result[#result + 1] = math.ceil(left * TICK_MS)
      end
    end
    return result
  end

  local function is_so(there, filters)
    local count = 0
    for _ in pairs(there) do count = count + 2 end
    if count ~= #filters then return false end
    for i = 1, #filters, 2 do
      if there[filters[i]] ~= filters[i + 1] then return false end
    end
    return true
  end

  local function set_many(key, fields)
    for from = 1, #fields, TOGETHER do call('HSET', key, unpack(fields, from, math.min(from + TOGETHER - 1, #fields))) end
  end

  local function remove_many(key, fields)
    for from = 1, #fields, TOGETHER do call('HDEL', key, unpack(fields, from, math.min(from + TOGETHER - 1, #fields))) end
  end

  -- All of them together, or in a hash of their own where they are many. Returns false where there are none.
  local function write_all(base, field, options)
    local flat = {}
    for filter, value in pairs(options) do
      flat[#flat + 1] = filter
      flat[#flat + 1] = value
    end
    if #flat <= 2 * MANY then return #flat > 0, flat end
    set_many(base .. KEY.filters .. field, flat)
    return true, false
  end

  -- In the hash of its own.
  local function write_changed(key, changed)
    local set, removed = {}, {}
    for filter, value in pairs(changed) do
      if value then
        set[#set + 1] = filter
        set[#set + 1] = value
      else
        removed[#removed + 1] = filter
      end
    end
    set_many(key, set)
    remove_many(key, removed)
    return call('EXISTS', key) == 1, false
  end

  -- Whether there are any, and what the record has of them.
  local function apply(base, field, subscriber, replaces, filters)
    local changed, has_many = {}, subscriber and not subscriber.filters
    -- The last one counts where a filter comes twice.
    for i = 1, #filters, 2 do changed[filters[i]] = filters[i + 1] end
    local key = base .. KEY.filters .. field
    if has_many and not replaces then return write_changed(key, changed) end
    if has_many then call('UNLINK', key) end
    local options = replaces and {} or filters_of(base, field, subscriber)
    for filter, value in pairs(changed) do options[filter] = value or nil end
    return write_all(base, field, options)
  end

  function steps.change_subscriptions(step)
    local base, field, name, epoch, replaces, again = unpack(step, 2, 7)
    local subscriber = subscriber_of(base, field)
    if subscriber and subscriber.epoch > epoch or ended_epoch(base, field) >= epoch then return 'SESSION_TAKEN_OVER' end
    local filters = {}
    for i = 8, #step do filters[#filters + 1] = step[i] end
    if again and replaces and is_so(filters_of(base, field, subscriber), filters) then return { of(base).last } end
    local is_any, flat = apply(base, field, subscriber, replaces, filters)
    if is_any then
      call('HSET', base .. KEY.subscribers, field, pack({ VERSION, epoch, name, flat }))
    else
      if subscriber then call('HDEL', base .. KEY.subscribers, field) end
      -- Only older sessions have ended: this one may change them again.
      set_ended(base, field, epoch - 1)
    end
    return followed(base, add(base, name or field, epoch, replaces, filters))
  end

  function steps.end_subscriptions(step)
    local base, field, name, epoch = unpack(step, 2, 5)
    set_ended(base, field, epoch)
    local subscriber = subscriber_of(base, field)
    if not subscriber or subscriber.epoch > epoch then return { 0 } end
    if not subscriber.filters then call('UNLINK', base .. KEY.filters .. field) end
    call('HDEL', base .. KEY.subscribers, field)
    return { add(base, name or field, epoch, true, {}) }
  end

  function steps.follow_subscriptions(step)
    local base, ms, offset = unpack(step, 2, 4)
    if ms > 0 then
      call('HSET', base .. KEY.subscriptionLeases, NODE, text(ticks() + math.ceil(ms / TICK_MS)))
      call('EXPIRE', base .. KEY.subscriptionLeases, LEASES_SECONDS)
    end
    for i = 5, #step do wake.tell(step[i], { 'f', NODE, offset }) end
    return { of(base).last }
  end

  function steps.subscriptions_end(step) return { of(step[2]).last } end

  function steps.read_subscriptions(step)
    local base, after, most = unpack(step, 2, 4)
    local r = of(base)
    -- A log begins at a time.
    if after == 0 and r.whole then after = r.first - 1 end
    if after > r.last or after < r.first - 1 then return {} end
    local offsets, result = {}, { math.min(after + most, r.last), r.last }
    for offset = after + 1, result[1] do offsets[#offsets + 1] = text(offset) end
    for from = 1, #offsets, TOGETHER do
      local to = math.min(from + TOGETHER - 1, #offsets)
      for i, change in ipairs(call('HMGET', base .. KEY.changes, unpack(offsets, from, to))) do
        -- One is missing that should be there.
        if not change then return {} end
        result[#result + 1] = after + from + i - 1
        result[#result + 1] = change
      end
    end
    return result
  end

  function steps.subscriptions(step)
    local base, cursor, most = unpack(step, 2, 4)
    return call('HSCAN', base .. KEY.subscribers, cursor, 'COUNT', most)
  end

  function steps.subscriptions_of(step)
    local base, field = step[2], step[3]
    local packed = call('HGET', base .. KEY.subscribers, field)
    if not packed then return {} end
    local _, _, _, filters = unpack(unpack_packed(packed))
    return { packed, filters or call('HGETALL', base .. KEY.filters .. field) }
  end

  -- Removes what kept sessions that have ended from changing anything.
  function steps.sweep(base) need('expiry').ids(base .. KEY.endedSubscribers) end

  steps.write = write
  return steps
end
