-- does: gives a booking its slip, once however often it is asked

create or replace function garage.write_slip(p_booking_id uuid)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_number bigint;
begin
    insert into garage.slips (booking_id)
    select b.id from public.bookings as b where b.id = p_booking_id
    on conflict (booking_id) do nothing;
    select s.number into v_number from garage.slips as s where s.booking_id = p_booking_id;
    return v_number;
end
$$;

revoke all on function garage.write_slip(uuid) from public, anon, authenticated, service_role;
grant execute on function garage.write_slip(uuid) to gtr_worker;
