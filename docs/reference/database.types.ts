// Types of the RPCs of gtr_jobs, made by `make types`. Those of your own database have them too.

export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

export type Database = {
  public: {
    Tables: { [_ in never]: never };
    Views: { [_ in never]: never };
    Functions: {
      my_deliveries: {
        Args: {
          p_before?: string;
          p_limit?: number;
        };
        Returns: {
          channel: string;
          created_at: string;
          kind: string;
          state: string;
          updated_at: string;
        }[];
      };
      notify_email: {
        Args: {
          p_data: Json;
          p_idempotency_key?: string;
          p_template: string;
          p_user_id: string;
        };
        Returns: Json;
      };
      notify_sms: {
        Args: {
          p_data: Json;
          p_idempotency_key?: string;
          p_template: string;
          p_user_id: string;
        };
        Returns: Json;
      };
      notify_user: {
        Args: {
          p_data: Json;
          p_idempotency_key?: string;
          p_kind: string;
          p_user_id: string;
        };
        Returns: Json;
      };
      notify_users: {
        Args: {
          p_data: Json;
          p_idempotency_key?: string;
          p_kind: string;
          p_user_ids: string[];
        };
        Returns: Json;
      };
      register_app_device: {
        Args: {
          p_apns_environment?: string;
          p_app: string;
          p_app_version?: string;
          p_device_token: string;
          p_installation_id?: string;
          p_locale?: string;
          p_platform: string;
          p_time_zone?: string;
        };
        Returns: Json;
      };
      register_device_token: {
        Args: {
          p_app_version?: string;
          p_device_token: string;
          p_installation_id?: string;
          p_locale?: string;
          p_platform: string;
          p_time_zone?: string;
        };
        Returns: Json;
      };
      unregister_device_token: {
        Args: {
          p_device_token: string;
        };
        Returns: Json;
      };
    };
    Enums: { [_ in never]: never };
    CompositeTypes: { [_ in never]: never };
  };
};
