-- A fan has at most one offer: what was held for them when the seats they wanted were gone. Asking for
-- anything else lets it go, so that it never stands in the way of what the fan really wants.
local function end_offer(k, fan_id, now, kept)
  local offer_id = redis.call('HGET', k.offers, fan_id)
  if not offer_id or offer_id == kept then
    return
  end
  local text = redis.call('HGET', k.reservations, offer_id)
  if text then
    end_hold(k, offer_id, text, 'released', now)
  end
  redis.call('HDEL', k.offers, fan_id)
end
