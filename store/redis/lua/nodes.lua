--[[
  Nodes by when they were last heard of (KEY.nodes), so that somebody closes the sessions of one that died; and what they
  tell each other.

  beat          base, before  -> { was heard of after that time, node, ... that were not }
  forget_nodes  base, before, node, ...  -> { }: those that were still not heard of after that time
  count_nodes   base, since              -> { how many were heard of since then }
  tell          base, bytes, node, ...   -> { }
]]
function parts.nodes()
  local steps = {}

  function steps.beat(step)
    local key, before = step[2] .. KEY.nodes, step[3]
    local last = tonumber(call('ZSCORE', key, NODE) or '0')
    call('ZADD', key, NOW, NODE)
    local result = { last > before }
    for _, node in ipairs(call('ZRANGEBYSCORE', key, '-inf', before, 'LIMIT', 0, 16)) do
      if node ~= NODE then result[#result + 1] = node end
    end
    return result
  end

  function steps.forget_nodes(step)
    local key, before = step[2] .. KEY.nodes, step[3]
    for i = 4, #step do
      local last = call('ZSCORE', key, step[i])
      if last and tonumber(last) <= before then call('ZREM', key, step[i]) end
    end
    return {}
  end

  function steps.count_nodes(step)
    return { call('ZCOUNT', step[2] .. KEY.nodes, step[3], '+inf') }
  end

  function steps.tell(step)
    local wake = need('wakes')
    for i = 4, #step do wake.tell(step[i], { 'm', step[3] }) end
    return {}
  end

  return steps
end
