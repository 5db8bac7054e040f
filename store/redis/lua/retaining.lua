--[[
  The retained messages of the upstream topics of a token id: a hash of subject -> 6 bytes offset (0: it was not stored) and
  entry, and a sorted set of the subjects by when they expire. They end with the token. The set KEY.retainers of an app and
  partition names the token ids that have some.

  retainers          base, app                              -> { id, id, ... }
  upstream_retained  base, app, id, subject or false, bytes -> { more, offset, entry, ... }: those after the subject
  restore_retained   base, app, id, subject, expires, entry  -> { }: what is there and not older stays
]]
function parts.retaining()
  local token = need('token')
  local steps = {}

  local function key_of(record) return record.base .. KEY.retaining .. record.serial end
  local function due_of(record) return record.base .. KEY.retainingDue .. record.serial end

  local function forget(record)
    call('DEL', key_of(record))
    call('DEL', due_of(record))
    call('SREM', record.base .. KEY.retainers .. record.app, record.id)
    token.set_flag(record, token.RETAINING, false)
  end

  -- Returns when the next one expires.
  local function expire(record)
    for _ = 1, 64 do
      local subjects = call('ZRANGEBYSCORE', due_of(record), '-inf', NOW, 'LIMIT', 0, 256)
      if #subjects == 0 then break end
      call('HDEL', key_of(record), unpack(subjects))
      call('ZREM', due_of(record), unpack(subjects))
    end
    local first = call('ZRANGE', due_of(record), 0, 0, 'WITHSCORES')
    if first[2] then return tonumber(first[2]) end
    forget(record)
    return math.huge
  end

  -- Room for the retained message of this topic?
  local function may_retain(record, subject, payload)
    if payload == 0 or not token.has(record, token.RETAINING) then return true end
    if call('ZSCORE', due_of(record), subject) then return true end
    if call('ZCARD', due_of(record)) < LIMIT.upstream_retained then return true end
    expire(record)
    return call('ZCARD', due_of(record)) < LIMIT.upstream_retained
  end

  local function retain(record, subject, payload, expires, offset, entry)
    if payload == 0 then
      if not token.has(record, token.RETAINING) or call('HDEL', key_of(record), subject) == 0 then return end
      call('ZREM', due_of(record), subject)
      if call('EXISTS', due_of(record)) == 0 then forget(record) end
      return
    end
    call('HSET', key_of(record), subject, struct.pack('>I6', offset) .. entry)
    call('ZADD', due_of(record), expires, subject)
    if not token.has(record, token.RETAINING) then
      call('SADD', record.base .. KEY.retainers .. record.app, record.id)
      token.set_flag(record, token.RETAINING, true)
    end
    token.sweep_at(record, expires)
  end

  local function stored_at(entry) return (struct.unpack('>I6', entry, 12)) end

  function steps.restore_retained(step)
    local _, base, app, id, subject, expires, entry = unpack(step)
    local record = token.of(base, id)
    if not record or record.app ~= app or expires <= NOW then return {} end
    local there = token.has(record, token.RETAINING) and call('HGET', key_of(record), subject)
    if there and stored_at(string.sub(there, 7)) >= stored_at(entry) then return {} end
    retain(record, subject, struct.unpack('>I4', entry, 2), expires, 0, entry)
    return {}
  end

  function steps.retainers(step) return call('SMEMBERS', step[2] .. KEY.retainers .. step[3]) end

  function steps.upstream_retained(step)
    local _, base, app, id, after, bytes = unpack(step)
    local record = token.of(base, id)
    if not record or record.app ~= app or not token.has(record, token.RETAINING) then return { false } end
    local subjects = call('ZRANGEBYSCORE', due_of(record), '(' .. string.format('%.0f', NOW), '+inf')
    table.sort(subjects)
    local result, total = { false }, 0
    for _, subject in ipairs(subjects) do
      if not after or subject > after then
        if total >= bytes then
          result[1] = true
          break
        end
        local packed = call('HGET', key_of(record), subject)
        local offset, rest = struct.unpack('>I6', packed)
        result[#result + 1] = offset
        result[#result + 1] = string.sub(packed, rest)
        total = total + #packed
      end
    end
    return result
  end

  steps.forget, steps.expire, steps.may, steps.retain = forget, expire, may_retain, retain
  return steps
end
