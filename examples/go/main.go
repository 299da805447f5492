// Prints what two users get, and again whenever that changes.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/open-feature/go-sdk-contrib/providers/ofrep"
	"github.com/open-feature/go-sdk/openfeature"
)

var users = []openfeature.EvaluationContext{
	openfeature.NewEvaluationContext("user-123", nil),
	openfeature.NewEvaluationContext("anna", map[string]any{"country": "DE"}),
}

func main() {
	edge := os.Getenv("HALYARD_EDGE")
	if edge == "" {
		edge = "http://localhost:8788"
	}
	provider := ofrep.NewProvider(edge, ofrep.WithBearerToken(os.Getenv("HALYARD_KEY")))
	if err := openfeature.SetProviderAndWait(provider); err != nil {
		log.Fatal(err)
	}
	client := openfeature.NewClient("shop")
	shown := map[string]string{}
	for {
		for _, user := range users {
			line := evaluate(client, user)
			if shown[user.TargetingKey()] != line {
				shown[user.TargetingKey()] = line
				fmt.Println(line)
			}
		}
		time.Sleep(time.Second)
	}
}

// The default stands where the edge cannot be asked.
func evaluate(client *openfeature.Client, user openfeature.EvaluationContext) string {
	ctx := context.Background()
	checkout := client.Boolean(ctx, "new-checkout", false, user)
	theme := client.String(ctx, "checkout-theme", "classic", user)
	return fmt.Sprintf("%s new-checkout=%t checkout-theme=%s", user.TargetingKey(), checkout, theme)
}
