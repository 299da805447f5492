import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import dev.openfeature.contrib.providers.ofrep.OfrepProvider;
import dev.openfeature.contrib.providers.ofrep.OfrepProviderOptions;
import dev.openfeature.sdk.Client;
import dev.openfeature.sdk.EvaluationContext;
import dev.openfeature.sdk.ImmutableContext;
import dev.openfeature.sdk.OpenFeatureAPI;
import dev.openfeature.sdk.Value;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Prints what two users get, and again whenever that changes. */
public final class Shop {
    private static final List<EvaluationContext> USERS = List.of(
            new ImmutableContext("user-123"),
            new ImmutableContext("anna", Map.of("country", new Value("DE"))));

    public static void main(String[] args) throws InterruptedException {
        String edge = System.getenv().getOrDefault("HALYARD_EDGE", "http://localhost:8788");
        String key = System.getenv("HALYARD_KEY");
        OfrepProviderOptions options = OfrepProviderOptions.builder()
                .baseUrl(edge)
                .headers(ImmutableMap.of("Authorization", ImmutableList.of("Bearer " + key)))
                .build();
        OpenFeatureAPI api = OpenFeatureAPI.getInstance();
        api.setProviderAndWait(OfrepProvider.constructProvider(options));
        Client client = api.getClient();
        Map<String, String> shown = new HashMap<>();
        while (true) {
            for (EvaluationContext user : USERS) {
                String line = evaluate(client, user);
                if (!line.equals(shown.put(user.getTargetingKey(), line))) {
                    System.out.println(line);
                }
            }
            Thread.sleep(1000);
        }
    }

    /** The default stands where the edge cannot be asked. */
    private static String evaluate(Client client, EvaluationContext user) {
        boolean checkout = client.getBooleanValue("new-checkout", false, user);
        String theme = client.getStringValue("checkout-theme", "classic", user);
        return user.getTargetingKey() + " new-checkout=" + checkout + " checkout-theme=" + theme;
    }
}
