package console

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"pantau/sidecar"
	"pantau/sidecar/console/accounts"
)

// newAccount is what an account is made of.
type newAccount struct {
	Name     string         `json:"name" maxLength:"64"`
	Password sidecar.Secret `json:"password" doc:"At least 10 characters"`
	Role     accounts.Role  `json:"role" enum:"admin,operator,viewer" doc:"A viewer sees persons and number plates blurred"`
}

// accountRoutes are those of the accounts, for administrators, and of one's own
// device passwords.
func (s *Server) accountRoutes(api huma.API) {
	type list struct{ Body []accounts.Account }
	huma.Register(api, operation("list-accounts", http.MethodGet, "/api/v1/accounts", "All accounts", http.StatusOK, accounts.Admin),
		func(ctx context.Context, _ *struct{}) (*list, error) {
			all, err := s.options.Accounts.List(ctx)
			return &list{Body: all}, answer(err)
		})

	type create struct{ Body newAccount }
	huma.Register(api, operation("create-account", http.MethodPost, "/api/v1/accounts", "Make an account", http.StatusCreated, accounts.Admin, http.StatusConflict),
		func(ctx context.Context, in *create) (*accountOutput, error) {
			a, err := s.options.Accounts.Create(ctx, in.Body.Name, in.Body.Password, in.Body.Role)
			if err != nil {
				return nil, answer(err)
			}
			s.options.Log.Info("account made", "account", a.Name, "role", a.Role, "by", caller(ctx).Name)
			s.audit(ctx, caller(ctx).Name, "account.add", a.Name)
			return &accountOutput{Body: a}, nil
		})

	type name struct {
		Name string `path:"name"`
	}
	huma.Register(api, operation("delete-account", http.MethodDelete, "/api/v1/accounts/{name}", "Delete an account", http.StatusNoContent, accounts.Admin,
		http.StatusNotFound, http.StatusConflict),
		func(ctx context.Context, in *name) (*struct{}, error) {
			a, err := s.options.Accounts.Delete(ctx, in.Name)
			if err != nil {
				return nil, answer(err)
			}
			s.options.Log.Info("account deleted", "account", a.Name, "by", caller(ctx).Name)
			s.audit(ctx, caller(ctx).Name, "account.remove", a.Name)
			return nil, nil
		})
	s.devicePasswordRoutes(api)
}

// label says where a device password is used.
type label struct {
	Label string `json:"label" minLength:"1" maxLength:"100" example:"situation room"`
}

// newDevicePassword is a device password with the password, shown once.
type newDevicePassword struct {
	accounts.DevicePassword
	Password string `json:"password" doc:"Shown this once"`
}

// devicePasswordRoutes are those of the caller's own device passwords.
func (s *Server) devicePasswordRoutes(api huma.API) {
	const at = "/api/v1/me/device-passwords"
	type list struct{ Body []accounts.DevicePassword }
	huma.Register(api, operation("list-device-passwords", http.MethodGet, at, "One's device passwords, without the passwords", http.StatusOK, accounts.Viewer),
		func(ctx context.Context, _ *struct{}) (*list, error) {
			all, err := s.options.Accounts.DevicePasswords(ctx, caller(ctx).ID)
			return &list{Body: all}, answer(err)
		})

	type create struct{ Body label }
	type created struct{ Body newDevicePassword }
	huma.Register(api, operation("create-device-password", http.MethodPost, at, "Generate a device password", http.StatusCreated, accounts.Viewer),
		func(ctx context.Context, in *create) (*created, error) {
			p, secret, err := s.options.Accounts.AddDevicePassword(ctx, caller(ctx).ID, in.Body.Label)
			if err != nil {
				return nil, answer(err)
			}
			s.audit(ctx, caller(ctx).Name, "device-password.add", devicePassword(ctx, p.ID))
			return &created{Body: newDevicePassword{DevicePassword: p, Password: secret.Reveal()}}, nil
		})

	type id struct {
		ID int64 `path:"id"`
	}
	huma.Register(api, operation("delete-device-password", http.MethodDelete, at+"/{id}", "Delete a device password", http.StatusNoContent, accounts.Viewer, http.StatusNotFound),
		func(ctx context.Context, in *id) (*struct{}, error) {
			if err := s.options.Accounts.DeleteDevicePassword(ctx, caller(ctx).ID, in.ID); err != nil {
				return nil, answer(err)
			}
			s.audit(ctx, caller(ctx).Name, "device-password.remove", devicePassword(ctx, in.ID))
			return nil, nil
		})
}

// devicePassword names one of the caller's device passwords: account/number.
func devicePassword(ctx context.Context, id int64) string {
	return fmt.Sprintf("%s/%d", caller(ctx).Name, id)
}
