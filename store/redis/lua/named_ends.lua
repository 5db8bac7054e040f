--[[
  Ends of sessions that are known by a name (named.lua) which nobody closes: their time has come, or their node died. Their
  subscriptions are ended by who ran the step.

  look_named           base, field, name or false         -> { is known, epoch whose subscriptions ended or false }
  subscriptions_ended  base, field, name or false, epoch  -> { }: they are no longer there
  close_dead           base, cursor, opened before, node, ...
                       -> { cursor to go on from ('0': there is nothing more), name, epoch, ... whose subscriptions ended }
]]
function parts.named_ends()
  local named = need('named')
  local steps = {}
  local LOOK_AGAIN_MS, MOST = 60000, 100

  steps.subscriptions_ended = named.reading(function(place, step)
    if place.ended ~= step[5] then return {} end
    local field = named.ended_field(place.field)
    call('HDEL', place.base .. KEY.named, field)
    call('ZREM', place.base .. KEY.namedDue, field)
    place.ended = nil
    return {}
  end)

  steps.look_named = named.reading(function(place)
    if place.session and named.is_over(place.session) then named.forget(place) end
    return { place.session ~= nil, place.ended or false }
  end)

  local function add_ended(result, place)
    if not place.ended then return end
    result[#result + 1] = named.name_of(place)
    result[#result + 1] = place.ended
  end

  -- Goes through all sessions of the partition, some at a time: only while a node is dead. One that was opened later is of a
  -- node that came back.
  function steps.close_dead(step)
    local base, cursor, before, dead = step[2], step[3], step[4], {}
    for i = 5, #step do dead[step[i]] = true end
    named.write()
    local page = call('HSCAN', base .. KEY.named, cursor, 'COUNT', MOST)
    local result, found = { page[1] }, page[2]
    for i = 1, #found, 2 do
      if named.is_session(found[i]) and named.is_of(found[i + 1], dead) then
        local place = named.place(base, found[i], false)
        if place.session and place.session.opened <= before then
          named.close_by_others(place)
          add_ended(result, place)
        end
      end
    end
    return result
  end

  -- Removes sessions that ended before a time: { name, epoch, ... } whose subscriptions ended. True when there are more.
  function steps.expire(base, before)
    local fields = call('ZRANGEBYSCORE', base .. KEY.namedDue, '-inf', before, 'LIMIT', 0, MOST)
    local result, plain = {}, {}
    for i, field in ipairs(fields) do plain[i] = named.plain(field) end
    named.load(base, plain)
    for i, field in ipairs(fields) do
      local place = named.place(base, plain[i], false)
      local is_end = field ~= plain[i]
      if is_end and place.ended then add_ended(result, place) end
      if place.newer or is_end and place.ended then
        call('ZADD', base .. KEY.namedDue, NOW + LOOK_AGAIN_MS, field)
      elseif not is_end and place.session and named.is_over(place.session) then
        named.forget(place)
        add_ended(result, place)
      else
        call('ZREM', base .. KEY.namedDue, field)
      end
    end
    return result, #fields == MOST
  end

  return steps
end
