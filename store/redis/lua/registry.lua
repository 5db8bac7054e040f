--[[
  register  base, id, app, device hash, expires (seconds), end of the app's broadcast log
            -> FULL (for a token id that is not known) or
            { generation, id of the token id that was current before or false, epoch of its session here or false }
  revoke    base, id  -> { known, epoch of a session on this node or false }
  lookup    base, id  -> TOKEN_UNKNOWN or { app, generation, revoked, current, private cursor, broadcast cursor, marks or false }
  restore   base, id, app, device hash, expires (seconds), broadcast cursor, generation, revoked, current, marks or false
            -> as lookup. What is known here stays; it only moves forward.
  bucket    base, bucket, first byte of the token ids
            -> { id, app, device hash, expires, generation, revoked, current, private cursor, broadcast cursor, last, marks or false,
            ... }
]]
function parts.registry()
  local token = need('token')
  local log = need('log')
  local holder = need('holder')
  local steps = {}

  -- The token id that is current for this app and device: all of them are in one bucket.
  local function current_other(record)
    local fields = call('HGETALL', record.base .. KEY.tokens .. record.bucket)
    for i = 1, #fields, 2 do
      local id = string.sub(record.id, 1, 1) .. fields[i]
      local other = id ~= record.id and (records[id] or token.parse(record.base, id, record.bucket, fields[i + 1]))
      if other and token.has(other, token.CURRENT) and other.device == record.device and other.app == record.app then
        records[id] = other
        return other
      end
    end
    return nil
  end

  local function supersede(record)
    local other = current_other(record)
    if not other then return false, false end
    token.set_flag(other, token.CURRENT, false)
    return other.id, holder.finish(other, 'TOKEN_SUPERSEDED') and other.epoch
  end

  local function create(base, id, app, device, expires, broadcast, generation)
    local record = {
      base = base, id = id, bucket = token.bucket_of(id), entries = base .. KEY.log,
      flags = 0, generation = generation, serial = call('INCR', base .. KEY.serials), run = RUN, epoch = 0, last = 0,
      cursor = 0, broadcast = broadcast, expires = expires, due = 0, app = app, device = device,
      head = 0, count = 0, bytes = 0, dirty = true,
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
      record.broadcast, token.marks_of(record),
    }
  end

  function steps.register(step)
    local _, base, id, app, device, expires, broadcast = unpack(step)
    local record = token.of(base, id)
    if not record then
      if FULL then return 'FULL' end
      record = create(base, id, app, device, expires, broadcast, 1)
    else
      expires_at(record, expires)
      -- An account that comes back: what was issued before the switch stays refused.
      if not token.has(record, token.CURRENT) then record.generation, record.dirty = record.generation + 1, true end
    end
    token.set_flag(record, token.REVOKED, false)
    local previous, ended = false, false
    if not token.has(record, token.CURRENT) then
      token.set_flag(record, token.CURRENT, true)
      previous, ended = supersede(record)
    end
    return { record.generation, previous, ended }
  end

  function steps.revoke(step)
    local _, base, id = unpack(step)
    local record = token.of(base, id)
    if not record then return { false, false } end
    local ended = false
    if token.has(record, token.RETAINING) then need('retaining').forget(record) end
    holder.forget_will(record)
    if not token.has(record, token.REVOKED) then
      token.set_flag(record, token.REVOKED, true)
      record.generation, record.dirty = record.generation + 1, true
      ended = holder.finish(record, 'TOKEN_REVOKED') and record.epoch
    end
    return { true, ended }
  end

  function steps.lookup(step)
    local record = token.of(step[2], step[3])
    if not record then return 'TOKEN_UNKNOWN' end
    return describe(record)
  end

  function steps.restore(step)
    local _, base, id, app, device, expires, broadcast, generation, revoked, current, marks = unpack(step)
    local record = token.of(base, id)
    if not record then
      record = create(base, id, app, device, expires, broadcast, generation)
      if marks then need('marks').store(record, marks) end
      if current and not current_other(record) then token.set_flag(record, token.CURRENT, true) end
    end
    expires_at(record, expires)
    if broadcast > record.broadcast then record.broadcast, record.dirty = broadcast, true end
    if generation > record.generation then
      record.generation, record.dirty = generation, true
      token.set_flag(record, token.REVOKED, revoked)
    elseif generation == record.generation and revoked then
      token.set_flag(record, token.REVOKED, true)
    end
    if token.has(record, token.REVOKED) and token.has(record, token.RETAINING) then need('retaining').forget(record) end
    return describe(record)
  end

  function steps.bucket(step)
    local _, base, bucket, first = unpack(step)
    local fields, result = call('HGETALL', base .. KEY.tokens .. bucket), {}
    for i = 1, #fields, 2 do
      local id = first .. fields[i]
      local r = records[id] or token.parse(base, id, bucket, fields[i + 1])
      local known = {
        id, r.app, r.device, r.expires, r.generation, token.has(r, token.REVOKED), token.has(r, token.CURRENT), r.cursor,
        r.broadcast, r.last, token.marks_of(r),
      }
      for j = 1, #known do result[#result + 1] = known[j] end
    end
    return result
  end

  return steps
end
