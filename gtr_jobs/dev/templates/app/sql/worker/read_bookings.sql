-- does: reads the bookings that pushes are about

-- The columns are the fields of Booking, in garage/kinds/booking_confirmed.py. Bookings that are gone are left out.
create or replace function garage.read_bookings(p_booking_ids uuid[])
returns table (row_id uuid, recipient_id uuid, workshop text, starts_at timestamptz)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select
        b.id,
        b.customer_id,
        b.workshop,
        b.starts_at
    from public.bookings as b
    where b.id = any(p_booking_ids);
end
$$;

-- The worker has no right on any table: what it may do is what is granted here.
revoke all on function garage.read_bookings(uuid[]) from public, anon, authenticated, service_role;
grant execute on function garage.read_bookings(uuid[]) to gtr_worker;
