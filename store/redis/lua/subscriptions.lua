--[[
  Subscriptions of sessions that are known by a name, all under one hash tag (../keys.ts). The record (KEY.subscriptions):
  version, run, the highest offset that was given, the first one that is still there, whether all are. KEY.changes: hash of offset ->
  { version, name, epoch, replaces, { filter, options or false, ... } }. Where Redis may have lost the newest of them, the log
  is cut there, so that every node reads all again.

  What there is now: KEY.subscribers: hash of field (named.lua) -> { version, epoch of the last change, name or false }; and
  KEY.filters and the field: hash of filter -> options. KEY.endedSubscribers: hash of field -> epoch, until: the session of
  this epoch has ended, so that what changes its subscriptions late is refused.

  change_subscriptions  base, field, name or false, epoch, replaces, again, filter, options or false, ...
                        -> SESSION_TAKEN_OVER or { offset }; again: no change where it is so already
  end_subscriptions     base, field, name or false, epoch  -> { offset, or 0 where there was nothing }: of this epoch and below
  subscriptions_end     base                               -> { offset }
  read_subscriptions    base, after, most                  -> { } where the log was cut, or { read to, last, offset, change, ... }
  subscriptions         base, cursor, most                 -> { cursor to go on from ('0': at its end), field, { version, epoch,
                                                           name or false }, { filter, options, ... }, ... }
  subscriptions_of      base, field                        -> { } or { the record, { filter, options, ... } }
]]
function parts.subscriptions()
  local log = need('log')
  local wake = need('wakes')
  local steps = {}
  local VERSION, MOST_CHANGES, ENDED_MS = 1, 10000, 600000
  local TOGETHER = 256
  local record, told

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
      told = { 't', r.last }
      wake.tell('', told)
    end
    return r.last
  end

  local function epoch_of(base, field)
    local packed = call('HGET', base .. KEY.subscribers, field)
    if not packed then return nil end
    return unpack_packed(packed)[2]
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

  local function write_filters(key, set, removed)
    for from = 1, #set, TOGETHER do call('HSET', key, unpack(set, from, math.min(from + TOGETHER - 1, #set))) end
    for from = 1, #removed, TOGETHER do call('HDEL', key, unpack(removed, from, math.min(from + TOGETHER - 1, #removed))) end
  end

  local function is_so(key, filters)
    local there = call('HGETALL', key)
    if #there ~= #filters then return false end
    local options = {}
    for i = 1, #there, 2 do options[there[i]] = there[i + 1] end
    for i = 1, #filters, 2 do
      if options[filters[i]] ~= filters[i + 1] then return false end
    end
    return true
  end

  function steps.change_subscriptions(step)
    local base, field, name, epoch, replaces, again = unpack(step, 2, 7)
    local known, key = epoch_of(base, field), base .. KEY.filters .. field
    if known and known > epoch or ended_epoch(base, field) >= epoch then return 'SESSION_TAKEN_OVER' end
    local filters, changed = {}, {}
    for i = 8, #step do filters[#filters + 1] = step[i] end
    if again and replaces and is_so(key, filters) then return { of(base).last } end
    if replaces then call('UNLINK', key) end
    -- The last one counts where a filter comes twice.
    for i = 1, #filters, 2 do changed[filters[i]] = filters[i + 1] end
    local set, removed = {}, {}
    for filter, options in pairs(changed) do
      if options then
        set[#set + 1] = filter
        set[#set + 1] = options
      else
        removed[#removed + 1] = filter
      end
    end
    write_filters(key, set, removed)
    if #set > 0 or call('EXISTS', key) == 1 then
      if known ~= epoch then call('HSET', base .. KEY.subscribers, field, pack({ VERSION, epoch, name })) end
    else
      if known then call('HDEL', base .. KEY.subscribers, field) end
      -- Only older sessions have ended: this one may change them again.
      set_ended(base, field, epoch - 1)
    end
    return { add(base, name or field, epoch, replaces, filters) }
  end

  function steps.end_subscriptions(step)
    local base, field, name, epoch = unpack(step, 2, 5)
    set_ended(base, field, epoch)
    local known = epoch_of(base, field)
    if not known or known > epoch then return { 0 } end
    call('UNLINK', base .. KEY.filters .. field)
    call('HDEL', base .. KEY.subscribers, field)
    return { add(base, name or field, epoch, true, {}) }
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
    local page = call('HSCAN', base .. KEY.subscribers, cursor, 'COUNT', most)
    local result, found = { page[1] }, page[2]
    for i = 1, #found, 2 do
      result[#result + 1] = found[i]
      result[#result + 1] = found[i + 1]
      result[#result + 1] = call('HGETALL', base .. KEY.filters .. found[i])
    end
    return result
  end

  function steps.subscriptions_of(step)
    local base, field = step[2], step[3]
    local packed = call('HGET', base .. KEY.subscribers, field)
    if not packed then return {} end
    return { packed, call('HGETALL', base .. KEY.filters .. field) }
  end

  -- Removes what kept sessions that have ended from changing anything.
  function steps.sweep(base) need('expiry').ids(base .. KEY.endedSubscribers) end

  steps.write = write
  return steps
end
