-- The fan uses the offer: from now on it is a hold like any other. Answers its text.
local function accept_offer(k, reservation_id, reservation, text, now)
  if not reservation.offered then
    return text
  end
  reservation.offered = nil
  text = cjson.encode(reservation)
  redis.call('HSET', k.reservations, reservation_id, text)
  redis.call('HDEL', k.offers, reservation.fan_id)
  append_log(k.meta, k.log, 'accepted', reservation_id, text, now)
  return text
end
