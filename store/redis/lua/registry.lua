--[[
  register  base, id, app, device hash, expires (seconds), end of the app's broadcast log, 'always', 'free' or 'renewal',
            generation of the renewal or of the holder, id of the holder or false, change of the details or false (details.lua)
            -> FULL (for a token id that is not known), TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED (a renewal),
            { generation, details or false, id of the token id that was current before or false, epoch of its session here or
            false } or, where another one holds the device, { false, details or false, its id, its generation }
  revoke    base, id, generation or false, end of the app's broadcast log to purge what is pending or false
            -> TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED (for a generation) or
            { known, epoch of a session on this node or false }
  lookup    base, id  -> TOKEN_UNKNOWN or { app, generation, revoked, current, private cursor, broadcast cursor, marks or false,
            expires, seen (seconds), details or false }
  inspect   base, id  -> as lookup, and then 'connected', 'kept' or 'none', last, pending messages, their bytes
  restore   base, id, app, device hash, expires (seconds), broadcast cursor, generation, revoked, current, marks or false,
            seen (seconds), change of the details or false
            -> as lookup. What is known here stays; it only moves forward.
  page      base, number of a bucket, first byte of the token ids, most, most to look at, app or false: of all
            -> { bucket to go on with (64: none), how many were looked at, id, app, device hash, expires, generation, revoked, current, private cursor,
            broadcast cursor, last, marks or false, seen (seconds), details or false, ... }: whole buckets
]]
function parts.registry()
  local token = need('token')
  local log = need('log')
  local holder = need('holder')
  local details = need('details')
  local devices = need('devices')
  local steps = {}
  local BUCKETS, FIELDS = 64, 14

  -- It keeps its device from others.
  local function holds(record)
    return not token.has(record, token.REVOKED) and record.expires * 1000 + LIMIT.device_hold > NOW
  end

  local function supersede(other)
    if not other then return false, false end
    token.set_flag(other, token.CURRENT, false)
    return other.id, holder.finish(other, 'TOKEN_SUPERSEDED') and other.epoch
  end

  local function create(base, id, app, device, expires, broadcast, generation)
    local record = {
      base = base, id = id, bucket = token.bucket_of(id), entries = base .. KEY.log,
      flags = 0, generation = generation, serial = call('INCR', base .. KEY.serials), run = RUN, epoch = 0, last = 0,
      cursor = 0, broadcast = broadcast, expires = expires, due = 0, app = app, device = device, seen = 0,
      head = 0, count = 0, bytes = 0, shown = 0, gone = token.gone, dirty = true,
    }
    log.begin(record)
    record.cursor = record.last
    records[id] = record
    call('ZADD', base .. KEY.due, 'LT', expires * 1000, record.bucket)
    return record
  end

  local function expires_at(record, expires)
    if expires <= record.expires then return end
    if record.due == 0 then record.due = record.expires end
    record.expires, record.dirty = expires, true
  end

  local function describe(record)
    return {
      record.app, record.generation, token.has(record, token.REVOKED), token.has(record, token.CURRENT), record.cursor,
      record.broadcast, token.marks_of(record), record.expires, record.seen, details.of(record),
    }
  end

  -- A new record is written at once: who else registers the device in the same batch has to find it.
  local function finish_new(record, is_new)
    if not is_new then return end
    token.store(record)
    devices.added(record)
  end

  local function make_current(record)
    if token.has(record, token.CURRENT) then return end
    token.set_flag(record, token.CURRENT, true)
    devices.became_current(record)
  end

  function steps.register(step)
    local _, base, id, app, device, expires, broadcast, kind, generation, named, change = unpack(step)
    local record = token.of(base, id)
    if kind == 'renewal' then
      local refused = record and record.app ~= app and 'TOKEN_UNKNOWN' or token.refusal(record, generation)
      if refused then return refused end
    end
    local other = not (record and token.has(record, token.CURRENT)) and devices.current_other(base, id, app, device)
    if kind == 'free' and other and holds(other) and (other.id ~= named or other.generation ~= generation) then
      return { false, details.of(other), other.id, other.generation }
    end
    local is_new = not record
    if is_new then
      if FULL then return 'FULL' end
      record = create(base, id, app, device, expires, broadcast, 1)
    else
      expires_at(record, expires)
      -- An account that comes back: what was issued before the switch stays refused. So does what was issued before a bulk
      -- revocation, whoever forgets that there was one.
      local is_back = not token.has(record, token.CURRENT)
      if is_back or kind ~= 'renewal' and details.is_later(record, change) then record.generation = record.generation + 1 end
      -- As when a session is opened: the JWT is the proof of a generation that was lost.
      if kind == 'renewal' then record.generation = math.max(record.generation, generation) end
    end
    token.see(record)
    token.set_flag(record, token.REVOKED, false)
    make_current(record)
    local known = details.change(record, change)
    local previous, ended = supersede(other)
    finish_new(record, is_new)
    return { record.generation, known, previous, ended }
  end

  -- Nothing of what was sent before is pending or retained.
  local function purge(record, broadcast)
    local is_read = token.has(record, token.IDS) or token.has(record, token.ENDING)
    if not is_read and record.count > 0 then need('outcome').tally('private', PURGED, record.count) end
    log.trim(record, record.last, PURGED, is_read)
    if token.has(record, token.MISSED) then need('outcome').forget_missed(record) end
    if token.has(record, token.MARKED) then need('marks').forget(record) end
    if token.has(record, token.RETAINED) then
      call('HDEL', record.base .. KEY.retained, record.serial)
      token.set_flag(record, token.RETAINED, false)
    end
    record.cursor, record.broadcast, record.dirty = record.last, math.max(record.broadcast, broadcast), true
  end

  function steps.revoke(step)
    local _, base, id, generation, purged = unpack(step)
    local record = token.of(base, id)
    local refused = generation and token.refusal(record, generation)
    if refused then return refused end
    if not record then return { false, false } end
    local ended = false
    if token.has(record, token.RETAINING) then need('retaining').forget(record) end
    holder.forget_will(record)
    if not token.has(record, token.REVOKED) then
      token.set_flag(record, token.REVOKED, true)
      record.generation, record.dirty = record.generation + 1, true
      ended = holder.finish(record, 'TOKEN_REVOKED') and record.epoch
    end
    if purged then purge(record, purged) end
    return { true, ended }
  end

  function steps.lookup(step)
    local record = token.of(step[2], step[3])
    if not record then return 'TOKEN_UNKNOWN' end
    return describe(record)
  end

  function steps.inspect(step)
    local record = token.of(step[2], step[3])
    if not record then return 'TOKEN_UNKNOWN' end
    local result, session = describe(record), holder.of(record)
    local state = not session and 'none' or session.node ~= '' and 'connected' or holder.is_over(session) and 'none' or 'kept'
    for _, each in ipairs({ state, record.last, record.count, record.bytes }) do result[#result + 1] = each end
    return result
  end

  function steps.restore(step)
    local _, base, id, app, device, expires, broadcast, generation, revoked, current, marks, seen, change, missed = unpack(step)
    local record = token.of(base, id)
    local is_new = not record
    if is_new then
      record = create(base, id, app, device, expires, broadcast, generation)
      if marks then need('marks').store(record, marks) end
      if current and not devices.current_other(base, id, app, device) then make_current(record) end
    end
    expires_at(record, expires)
    if broadcast > record.broadcast then record.broadcast, record.dirty = broadcast, true end
    if seen > record.seen then record.seen, record.dirty = seen, true end
    if change and not details.of(record) then details.change(record, change) end
    if missed > 0 then need('outcome').count_missed(record, 0, missed) end
    if generation > record.generation then
      record.generation, record.dirty = generation, true
      token.set_flag(record, token.REVOKED, revoked)
    elseif generation == record.generation and revoked then
      token.set_flag(record, token.REVOKED, true)
    end
    if token.has(record, token.REVOKED) and token.has(record, token.RETAINING) then need('retaining').forget(record) end
    finish_new(record, is_new)
    return describe(record)
  end

  local function details_of_bucket(base, bucket)
    local fields, found = call('HGETALL', base .. KEY.details .. bucket), {}
    for i = 1, #fields, 2 do found[fields[i]] = fields[i + 1] end
    return found
  end

  -- How many were looked at, and the records of the app among them.
  local function records_in(base, bucket, first, app)
    local fields, found = call('HGETALL', base .. KEY.tokens .. bucket), {}
    for i = 1, #fields, 2 do
      -- As with devices: a record holds the bytes of its app.
      if not app or string.find(fields[i + 1], app, 1, true) then
        local id = first .. fields[i]
        local record = records[id] or token.parse(base, id, bucket, fields[i + 1])
        if not app or record.app == app then found[#found + 1] = record end
      end
    end
    return #fields / 2, found
  end

  local function add_bucket(result, base, bucket, first, app)
    local looked, found = records_in(base, bucket, first, app)
    -- Of few, each by itself.
    local known = #found * 8 > looked and details_of_bucket(base, bucket)
    for i = 1, #found do
      local r, at = found[i], #result
      local of_it
      if known then of_it = known[tostring(r.serial)] or false else of_it = details.of(r) end
      local each = {
        r.id, r.app, r.device, r.expires, r.generation, token.has(r, token.REVOKED), token.has(r, token.CURRENT), r.cursor,
        r.broadcast, r.last, token.marks_of(r), r.seen, of_it, (need('outcome').told_missed(r) or { 0 })[1],
      }
      for j = 1, FIELDS do result[at + j] = each[j] end
    end
    return looked
  end

  function steps.page(step)
    local _, base, bucket, first, most, most_looked, app = unpack(step)
    local result, looked = { bucket, 0 }, 0
    while bucket < BUCKETS and #result <= FIELDS * (most - 1) + 2 and looked < most_looked do
      looked = looked + add_bucket(result, base, string.char(token.FIRST_BUCKET + bucket), first, app)
      bucket = bucket + 1
    end
    result[1], result[2] = bucket, looked
    return result
  end

  return steps
end
