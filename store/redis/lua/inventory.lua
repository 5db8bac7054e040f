--[[
  What a tool reads that moves everything to another engine.

  readers_of          base, log                -> { last, name, cursor, expires or 0, missed, ... }
  named_sessions      base, cursor             -> { cursor to go on from ('0': at its end), { field, name or false, epoch, is held,
                                               kept, expires or 0, state or false, { packet id, uid, ... }, will at or false,
                                               will or false }, ... }
]]
function parts.inventory()
  local steps = {}
  local SESSIONS = 100

  function steps.readers_of(step)
    local readers = need('readers')
    local record = readers.of(step[2], step[3])
    readers.expire(record)
    local fields, result = call('HGETALL', readers.readers_of(record)), { record.last }
    for i = 1, #fields, 2 do
      local _, cursor, expires, missed = struct.unpack(readers.READER, fields[i + 1])
      for _, value in ipairs({ fields[i], cursor, expires, missed }) do result[#result + 1] = value end
    end
    return result
  end

  function steps.named_sessions(step)
    local named, base, cursor = need('named'), step[2], step[3]
    named.write()
    local page = call('HSCAN', base .. KEY.named, cursor, 'COUNT', SESSIONS)
    local result, fields = { page[1] }, {}
    for i = 1, #page[2], 2 do
      if named.is_session(page[2][i]) then fields[#fields + 1] = page[2][i] end
    end
    named.load(base, fields)
    for _, field in ipairs(fields) do
      local place = named.place(base, field, false)
      if place.newer then return 'NEWER_FORMAT' end
      local session = place.session
      if session and not named.is_over(session) then
        local will = named.will_of(place)
        result[#result + 1] = {
          field, place.name, session.epoch, named.is_unclean(session), session.kept, session.expires, named.state_of(place),
          call('HGETALL', base .. KEY.namedReceived .. field), will and will[1] or false, will and will[2] or false,
        }
      end
    end
    return result
  end

  return steps
end
