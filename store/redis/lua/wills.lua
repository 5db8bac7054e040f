--[[
  Wills that were kept at the close of a session (KEY.wills: owner -> will): format, epoch, when to publish, until when
  somebody has it (0: nobody), name or false, value. Format and epoch come first in every version. An owner is 'd' and the 16
  bytes of a token id, or 'n' and the field of a name (named.lua). KEY.willsDue has the owners by when they are told next. A
  will outlives the session that it ends with.

  take_will       base, owner, epoch, until  -> { value or false }
  will_published  base, owner, epoch         -> { }
  Both: NEWER_FORMAT when a later version wrote it.
]]
function parts.wills()
  local steps = {}
  local FORMAT, TOLD_MS = 1, 60000

  local function forget(base, owner)
    if call('HDEL', base .. KEY.wills, owner) == 1 then call('ZREM', base .. KEY.willsDue, owner) end
  end

  -- Forgets it, and gives its value, or false: there is none, or somebody has taken it.
  local function drop(base, owner)
    local packed = call('HGET', base .. KEY.wills, owner)
    if not packed then return false end
    forget(base, owner)
    local _, _, _, till, _, value = unpack_packed(packed)
    return till <= NOW and value
  end

  local function keep(base, owner, epoch, at, name, value)
    call('HSET', base .. KEY.wills, owner, pack(FORMAT, epoch, at, 0, name, value))
    call('ZADD', base .. KEY.willsDue, at, owner)
  end

  -- Looks for the will of a step. `work` gets nil where there is none of this epoch.
  local function reading(work)
    return function(step)
      local _, base, owner, epoch = unpack(step)
      local packed, will = call('HGET', base .. KEY.wills, owner), nil
      if packed then
        local format, of, at, till, name, value = unpack_packed(packed)
        if format ~= FORMAT then return 'NEWER_FORMAT' end
        will = of == epoch and { at = at, till = till, name = name, value = value } or nil
      end
      return work(will, step)
    end
  end

  steps.take_will = reading(function(will, step)
    local _, base, owner, epoch, till = unpack(step)
    if not will or will.at > NOW or will.till > NOW then return { false } end
    call('HSET', base .. KEY.wills, owner, pack(FORMAT, epoch, will.at, till, will.name, will.value))
    call('ZADD', base .. KEY.willsDue, till, owner)
    return { will.value }
  end)

  steps.will_published = reading(function(will, step)
    local _, base, owner = unpack(step)
    if not will then return {} end
    forget(base, owner)
    local record = string.sub(owner, 1, 1) == 'd' and need('token').of(base, string.sub(owner, 2))
    if record then need('token').set_flag(record, need('token').WILL, false) end
    return {}
  end)

  -- { when to publish, value }, or nil.
  local function of(base, owner)
    local packed = call('HGET', base .. KEY.wills, owner)
    if not packed then return nil end
    local _, _, at, _, _, value = unpack_packed(packed)
    return { at, value }
  end

  -- Those whose time has come and that nobody has: { token id or false, name or false, epoch, ... }. Each is told again
  -- after a while. True when there are more.
  local function due(base)
    local most, told = 100, {}
    local owners = call('ZRANGEBYSCORE', base .. KEY.willsDue, '-inf', NOW, 'LIMIT', 0, most)
    if #owners == 0 then return told, false end
    for i, packed in ipairs(call('HMGET', base .. KEY.wills, unpack(owners))) do
      local owner = owners[i]
      if packed then
        local _, epoch, _, _, name = unpack_packed(packed)
        local is_device = string.sub(owner, 1, 1) == 'd'
        told[#told + 1] = is_device and string.sub(owner, 2)
        told[#told + 1] = not is_device and (name or string.sub(owner, 2))
        told[#told + 1] = epoch
        call('ZADD', base .. KEY.willsDue, NOW + TOLD_MS, owner)
      else
        call('ZREM', base .. KEY.willsDue, owner)
      end
    end
    return told, #owners == most
  end

  steps.forget, steps.drop, steps.keep, steps.of, steps.due = forget, drop, keep, of, due
  return steps
end
