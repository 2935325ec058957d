// Compiled, never run: every RPC called as its types allow, and the mistakes that they catch before anything is called.

import { createClient } from '@supabase/supabase-js';
import type { Database } from '../../docs/reference/database.types';

const supabase = createClient<Database>('http://127.0.0.1', 'sb_publishable_key');

export async function callEveryRpc(token: string, person: string, listing: string) {
  const { data } = await supabase.rpc('register_device_token', {
    p_device_token: token,
    p_platform: 'ios',
    p_installation_id: 'a-random-uuid-of-the-app',
    p_locale: 'pt-BR',
    p_time_zone: 'Europe/Lisbon',
    p_app_version: '2.4.1',
  });
  const device = data as { device_id: string; kind: 'fcm_token' | 'fcm_fid' | 'apns' | 'expo' } | null;
  await supabase.rpc('register_device_token', { p_device_token: token, p_platform: 'android' });

  await supabase.rpc('register_app_device', {
    p_device_token: token,
    p_platform: 'ios',
    p_app: 'dealer',
    p_apns_environment: 'sandbox',
  });

  await supabase.rpc('unregister_device_token', { p_device_token: token });

  const { data: deliveries } = await supabase.rpc('my_deliveries', { p_limit: 20, p_before: '2026-01-01T00:00:00Z' });
  const states: string[] = (deliveries ?? []).map((delivery) => delivery.state);
  await supabase.rpc('my_deliveries');

  const notice = { p_kind: 'listing_favorited', p_data: { listing_id: listing }, p_idempotency_key: 'order-17' };
  await supabase.rpc('notify_user', { p_user_id: person, ...notice });
  await supabase.rpc('notify_users', { p_user_ids: [person], ...notice });

  return { device, states };
}

export async function callWrongly(token: string, person: string) {
  // @ts-expect-error An RPC that is none.
  await supabase.rpc('register_device_tokens', { p_device_token: token, p_platform: 'ios' });
  // @ts-expect-error Without the platform.
  await supabase.rpc('register_device_token', { p_device_token: token });
  // One argument too many is no mistake to supabase-js: it is the API that answers PGRST202.
  await supabase.rpc('register_device_token', { p_device_token: token, p_platform: 'ios', p_user_id: person });
  // @ts-expect-error Without the app.
  await supabase.rpc('register_app_device', { p_device_token: token, p_platform: 'ios' });
  // @ts-expect-error A token that is a number.
  await supabase.rpc('unregister_device_token', { p_device_token: 7 });
  // @ts-expect-error A limit that is a text.
  await supabase.rpc('my_deliveries', { p_limit: '20' });
  // @ts-expect-error Without data.
  await supabase.rpc('notify_user', { p_user_id: person, p_kind: 'listing_favorited' });
  // @ts-expect-error One person where many are meant.
  await supabase.rpc('notify_users', { p_user_ids: person, p_kind: 'listing_favorited', p_data: {} });
  // @ts-expect-error A schema that the API does not show.
  await supabase.schema('gtr_jobs').rpc('my_deliveries');

  const { data } = await supabase.rpc('my_deliveries');
  // @ts-expect-error A column that deliveries do not have.
  return data?.[0]?.user_id;
}
